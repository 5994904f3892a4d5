import ClusterState
import ControlLoops
import ManagerAPI
import RedisClient
import Registry

/// Changes of the registry for the HTTP face: stored in Redis, then used by this replica, then answered.
struct StoreCommands: RegistryCommands {
    let store: StoreParts

    func register(_ definition: ServiceDefinition) async throws(Problem) -> CommittedChange {
        try await self.commit { state, floor throws(StateError) in
            try await state.register(definition, source: .api, floor: floor)
        }
    }

    func change(_ id: ServiceID, _ patch: ServicePatch) async throws(Problem) -> CommittedChange {
        try await self.commit { state, floor throws(StateError) in try await state.patch(id, patch, floor: floor) }
    }

    func setDraining(_ id: ServiceID, to draining: Bool) async throws(Problem) -> CommittedChange {
        try await self.commit { state, floor throws(StateError) in try await state.drain(id, draining, floor: floor) }
    }

    func remove(_ id: ServiceID) async throws(Problem) -> CommittedChange {
        let records = LostRecords(self.store)
        do throws(StateError) {
            let removed = try await self.store.state.remove(id, floor: self.store.follower.floor)
            self.store.follower.note(removed.entry)
            return CommittedChange(
                kind: .removed,
                epoch: removed.epoch,
                service: nil,
                durability: removed.durability.map(CommittedChange.Durability.init)
            )
        } catch {
            throw await records.problem(error)
        }
    }

    func heartbeat(_ id: ServiceID) async throws(Problem) -> Heartbeat {
        let records = LostRecords(self.store)
        do throws(StateError) {
            return try await self.store.state.heartbeat(id)
        } catch {
            throw await records.problem(error)
        }
    }

    func service(_ id: ServiceID) async throws(Problem) -> Service? {
        do throws(StateError) {
            return try await self.store.state.service(id)
        } catch {
            throw Problem(error)
        }
    }

    func storeEpoch() async throws(Problem) -> Epoch {
        do throws(StateError) {
            return try await self.store.state.epoch()
        } catch {
            throw Problem(error)
        }
    }

    private func commit(_ command: (ClusterState, Epoch) async throws(StateError) -> Committed) async throws(Problem)
        -> CommittedChange
    {
        let records = LostRecords(self.store)
        do throws(StateError) {
            let committed = try await command(self.store.state, self.store.follower.floor)
            if let entry = committed.entry { self.store.follower.note(entry) }
            return CommittedChange(
                kind: CommittedChange.Kind(committed.change),
                epoch: committed.epoch,
                service: committed.service,
                durability: committed.durability.map(CommittedChange.Durability.init)
            )
        } catch {
            throw await records.problem(error)
        }
    }
}

extension CommittedChange.Durability {
    init(_ durability: Durability) {
        self =
            switch durability {
            case .stored: .stored
            case .replicated: .replicated
            }
    }
}

extension CommittedChange.Kind {
    init(_ change: Committed.Change) {
        self =
            switch change {
            case .created: .created
            case .changed: .changed
            case .same: .unchanged
            }
    }
}

extension Problem {
    /// What a caller is told of a change that the store did not take.
    init(_ error: StateError) {
        switch error.code {
        case .notFound: self.init(.serviceNotFound, error.message)
        case .conflict: self.init(.versionConflict, error.message)
        case .invalid: self.init(.validationError, error.message)
        default:
            let outcome =
                error.isOutcomeUnknown ? "the change may or may not have been stored; repeat it" : "nothing was changed"
            let (message, advice) = Self.trouble(error.underlying?.code)
            self.init(.storeUnavailable, message, detail: outcome + advice, retryAfter: 1)
        }
    }

    /// What is wrong with the store, and what its operator can do.
    private static func trouble(_ code: RedisError.Code?) -> (message: String, advice: String) {
        if code == .outOfMemory {
            return ("Redis is full and refuses what needs memory (OOM)", "; \(FullStoreLog.advice)")
        }
        guard let code, code.refusesWrites else { return ("the store cannot be reached", "") }
        return ("Redis refuses writes", "; it cannot save, or lacks replicas: `model-manager redis doctor` says more")
    }
}
