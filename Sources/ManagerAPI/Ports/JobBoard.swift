public import ClusterState
public import Registry

/// The training jobs of the cluster, in the store; what runs them is somewhere else.
public protocol JobBoard: Sendable {
    func submit(_ order: JobOrder) async throws(Problem) -> SubmitReply
    /// What the store says now.
    func job(_ id: JobID) async throws(Problem) -> Job?
    /// The newest first; nil when there is no job `after`.
    func jobs(after: JobID?, limit: Int, status: JobStatus?, modelType: ModelType?) async throws(Problem) -> JobPage?
    func cancel(_ id: JobID) async throws(Problem) -> CancelReply
}
