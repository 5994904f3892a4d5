import ClusterState
import ControlLoops
import Registry

/// Changes of the registry for the loops that discover services: what the store refuses for good is told apart from what
/// it cannot do now.
struct FileCommands: DiscoveryCommands {
    let store: StoreParts

    func register(_ definition: ServiceDefinition, source: Service.Source, under term: Term) async throws {
        do throws(StateError) {
            let committed = try await self.store.state.leading(under: term).register(
                definition,
                source: source,
                floor: self.store.follower.floor
            )
            if let entry = committed.entry { self.store.follower.note(entry) }
        } catch {
            throw Self.refusal(error)
        }
    }

    func remove(_ id: ServiceID, source: Service.Source, under term: Term) async throws {
        do throws(StateError) {
            let removed = try await self.store.state.leading(under: term).remove(
                id,
                floor: self.store.follower.floor,
                ifSource: source
            )
            self.store.follower.note(removed.entry)
        } catch {
            let isNoLongerTheSources = error.code == .notFound || error.code == .conflict
            if !isNoLongerTheSources { throw error }
        }
    }

    func appliedFile() async throws -> [String: String] {
        try await self.store.state.appliedFile()
    }

    func setAppliedFile(_ applied: [String: String], under term: Term) async throws {
        try await self.store.state.leading(under: term).setAppliedFile(applied)
    }

    private static func refusal(_ error: StateError) -> any Error {
        error.code == .invalid ? CommandRefused(error.message) : error
    }
}
