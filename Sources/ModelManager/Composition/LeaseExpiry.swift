import ClusterState
import ControlLoops
import Registry

/// The lease sweep's hold on the store.
struct LeaseExpiry: LeaseCommands {
    let state: ClusterState

    func expireLeases(under term: Term) async throws -> [ServiceID] {
        try await self.state.leading(under: term).expire()
    }
}
