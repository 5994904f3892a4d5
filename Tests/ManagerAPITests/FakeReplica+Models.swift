import ClusterState
import ManagerAPI
import Registry

/// Orders about models: noted, and answered as the test said.
extension FakeReplica: ModelCommands {
    func switchModel(_ type: ModelType, to order: SwitchOrder) async throws(Problem) -> ModelReply {
        let canary = order.canary.map { " by \($0.steps)" } ?? ""
        let how = (order.isForced ? " forced" : "") + (order.requiresEvaluation ? " if tested" : "")
        return self.order("switch \(type) from \(order.expected?.text ?? "any") to \(order.version)\(canary)\(how)")
    }

    func rollBack(_ type: ModelType, expecting: ModelVersion?, force: Bool) async throws(Problem) -> ModelReply {
        self.order("roll back \(type)")
    }

    func pointAlias(
        _ alias: ModelVersion,
        of type: ModelType,
        at version: ModelVersion?
    ) async throws(Problem) -> ModelReply {
        self.order("alias \(alias) of \(type) at \(version?.text ?? "nothing")")
    }

    func splitTraffic(of type: ModelType, _ split: [ModelVersion: Int], shadow: Shadow?) async throws(Problem)
        -> ModelReply
    {
        let shares = split.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        let copies = shadow.map { ", \($0.percent) % of \($0.field) to \($0.version)" } ?? ""
        return self.order("split \(type) \(shares.joined(separator: ","))\(copies)")
    }

    func setRecording(of type: ModelType, _ recording: Recording?) async throws(Problem) -> ModelReply {
        self.order("record \(type): \(recording.map { "\($0.perMillion) up to \($0.limit)" } ?? "nothing")")
    }

    func recordedCount(of type: ModelType) async throws(Problem) -> Int { 7 }

    func deploy(_ version: ModelVersion, of type: ModelType, _ order: Deployment) async throws(Problem) -> ModelReply {
        self.order("deploy \(version) of \(type): \(order.order)")
    }

    func retire(_ version: ModelVersion, of type: ModelType, timeout: Duration) async throws(Problem) -> ModelReply {
        self.order("retire \(version) of \(type) within \(timeout)")
    }

    func requireEvaluation(of type: ModelType, _ isRequired: Bool) async throws(Problem) -> ModelReply {
        self.order("require evaluation of \(type): \(isRequired)")
    }

    func evaluate(_ order: EvaluationOrder) async throws(Problem) -> EvaluationReply {
        self.edit { state in
            state.calls.append("evaluate \(order.version) of \(order.type)")
            return state.evaluationReply
        }
    }

    func waitForCluster(_ epoch: Epoch, within limit: Duration) async throws(Problem) -> [ReplicaBehind] {
        self.edit { state in
            state.calls.append("wait for \(epoch) within \(limit)")
            return state.behind
        }
    }

    func traffic(of type: ModelType, _ versions: [ModelVersion]) async throws(Problem) -> TrafficSight {
        throw Problem(.storeUnavailable, "not in this test")
    }

    func trafficTotals(
        of versions: [(type: ModelType, version: ModelVersion)]
    ) async throws(Problem) -> [TrafficSight.Counts] {
        versions.indices.map { place in
            TrafficSight.Counts(
                requests: 10 + Int64(place),
                failures: 1,
                latencyMicroseconds: 5,
                lastMilliseconds: 1_700_000_000_000
            )
        }
    }

    func shadowFigures(of type: ModelType, _ version: ModelVersion) async throws(Problem) -> ShadowFigures {
        throw Problem(.storeUnavailable, "not in this test")
    }

    private func order(_ text: String) -> ModelReply {
        self.edit { state in
            state.calls.append(text)
            return state.modelReply
        }
    }
}
