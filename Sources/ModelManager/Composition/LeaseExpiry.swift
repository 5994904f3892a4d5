import ClusterState
import ControlLoops
import Registry

/// The lease sweep's hold on the store.
struct LeaseExpiry: LeaseCommands {
    let state: ClusterState

    func expireLeases() async throws -> [ServiceID] {
        try await self.state.expire()
    }
}
