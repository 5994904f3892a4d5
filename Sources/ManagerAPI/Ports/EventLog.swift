public import ClusterState
public import Registry

/// What happened in the cluster: who did what to what, and the epoch it made.
public protocol EventLog: Sendable {
    /// Events after the one named, oldest first, at most `limit`. When there is none, waits for one as long as `wait`.
    func events(after: String?, limit: Int, wait: Duration) async throws(Problem) -> [ClusterEvent]
}
