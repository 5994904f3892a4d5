import ClusterState
import ControlLoops
import ManagerAPI
import Registry

/// Orders about models for the HTTP face: stored in Redis, then used by this replica, then answered.
struct StoreModels: ModelCommands {
    let store: StoreParts

    func switchModel(_ type: ModelType, to order: SwitchOrder) async throws(Problem) -> ModelReply {
        try await self.change { state, floor throws(StateError) in
            try await state.switchModel(type, to: order, floor: floor)
        }
    }

    func rollBack(_ type: ModelType, expecting: ModelVersion?, force: Bool) async throws(Problem) -> ModelReply {
        try await self.change { state, floor throws(StateError) in
            try await state.rollBackModel(type, expecting: expecting, force: force, floor: floor)
        }
    }

    func pointAlias(
        _ alias: ModelVersion,
        of type: ModelType,
        at version: ModelVersion?
    ) async throws(Problem) -> ModelReply {
        try await self.change { state, floor throws(StateError) in
            try await state.pointAlias(alias, of: type, at: version, floor: floor)
        }
    }

    func splitTraffic(of type: ModelType, _ split: [ModelVersion: Int], shadow: Shadow?) async throws(Problem)
        -> ModelReply
    {
        try await self.change { state, floor throws(StateError) in
            try await state.splitTraffic(of: type, split, shadow: shadow, floor: floor)
        }
    }

    func retire(_ version: ModelVersion, of type: ModelType, timeout: Duration) async throws(Problem) -> ModelReply {
        try await self.change { state, floor throws(StateError) in
            try await state.retireVersion(version, of: type, timeout: timeout, floor: floor)
        }
    }

    func requireEvaluation(of type: ModelType, _ isRequired: Bool) async throws(Problem) -> ModelReply {
        try await self.change { state, floor throws(StateError) in
            try await state.requireEvaluation(of: type, isRequired, floor: floor)
        }
    }

    func setRecording(of type: ModelType, _ recording: Recording?) async throws(Problem) -> ModelReply {
        try await self.change { state, floor throws(StateError) in
            try await state.setRecording(of: type, recording, floor: floor)
        }
    }

    func recordedCount(of type: ModelType) async throws(Problem) -> Int {
        do throws(StateError) {
            return try await self.store.state.recordedCount(of: type)
        } catch {
            throw Problem(error)
        }
    }

    func evaluate(_ order: EvaluationOrder) async throws(Problem) -> EvaluationReply {
        do throws(StateError) {
            return try await self.store.state.submitEvaluation(order)
        } catch {
            throw Problem(error)
        }
    }

    func deploy(_ version: ModelVersion, of type: ModelType, _ order: Deployment) async throws(Problem) -> ModelReply {
        try await self.change { state, floor throws(StateError) in
            try await state.deployVersion(version, of: type, order, floor: floor)
        }
    }

    func waitForCluster(_ epoch: Epoch, within limit: Duration) async throws(Problem) -> [ReplicaBehind] {
        do throws(StateError) {
            return try await SwitchBarrier(state: self.store.state).wait(for: epoch, within: limit)
        } catch {
            throw Problem(
                .storeUnavailable,
                "the change is stored, but the store cannot tell any more who knows it",
                detail: "send the same request again to wait on",
                retryAfter: 1
            )
        }
    }

    func traffic(of type: ModelType, _ versions: [ModelVersion]) async throws(Problem) -> TrafficSight {
        do throws(StateError) {
            return try await self.store.state.traffic(of: type, versions)
        } catch {
            throw Problem(error)
        }
    }

    func trafficTotals(
        of versions: [(type: ModelType, version: ModelVersion)]
    ) async throws(Problem) -> [TrafficSight.Counts] {
        do throws(StateError) {
            return try await self.store.state.trafficTotals(of: versions)
        } catch {
            throw Problem(error)
        }
    }

    func shadowFigures(of type: ModelType, _ version: ModelVersion) async throws(Problem) -> ShadowFigures {
        do throws(StateError) {
            return try await self.store.state.shadowFigures(of: type, version)
        } catch {
            throw Problem(error)
        }
    }

    private func change(
        _ command: (ClusterState, Epoch) async throws(StateError) -> ModelReply
    ) async throws(Problem) -> ModelReply {
        let records = LostRecords(self.store)
        do throws(StateError) {
            let reply = try await command(self.store.state, self.store.follower.floor)
            if case .changed(let change) = reply { self.store.follower.note(change.entry) }
            guard case .refused = reply, await records.areMissed() else { return reply }
        } catch {
            throw Problem(error)
        }
        throw LostRecords.problem
    }
}
