public import ClusterState
public import Registry

/// Orders about models, and what the cluster says of them.
///
/// What comes back is stored; what is refused comes back as a reason, and what could not be asked as a `Problem`.
public protocol ModelCommands: Sendable {
    func switchModel(_ type: ModelType, to order: SwitchOrder) async throws(Problem) -> ModelReply
    func rollBack(_ type: ModelType, expecting: ModelVersion?, force: Bool) async throws(Problem) -> ModelReply
    /// Without a version the alias goes away.
    func pointAlias(_ alias: ModelVersion, of type: ModelType, at version: ModelVersion?) async throws(Problem)
        -> ModelReply
    /// Empty: all to the latest. Without a shadow nothing is copied.
    func splitTraffic(of type: ModelType, _ split: [ModelVersion: Int], shadow: Shadow?) async throws(Problem)
        -> ModelReply
    /// Nil: nothing is recorded any more, and what was is forgotten.
    func setRecording(of type: ModelType, _ recording: Recording?) async throws(Problem) -> ModelReply
    /// How many predictions are recorded.
    func recordedCount(of type: ModelType) async throws(Problem) -> Int
    func deploy(_ version: ModelVersion, of type: ModelType, _ order: Deployment) async throws(Problem) -> ModelReply
    func retire(_ version: ModelVersion, of type: ModelType, timeout: Duration) async throws(Problem) -> ModelReply
    /// Whether switches demand a passed test of the version.
    func requireEvaluation(of type: ModelType, _ isRequired: Bool) async throws(Problem) -> ModelReply
    /// Keeps an offline test for the leader to make.
    func evaluate(_ order: EvaluationOrder) async throws(Problem) -> EvaluationReply
    /// Waits until every live replica serves by the epoch; who did not when the time was up.
    func waitForCluster(_ epoch: Epoch, within limit: Duration) async throws(Problem) -> [ReplicaBehind]
    func traffic(of type: ModelType, _ versions: [ModelVersion]) async throws(Problem) -> TrafficSight
    /// What each of the versions did since it was first asked, over all replicas.
    func trafficTotals(of versions: [(type: ModelType, version: ModelVersion)]) async throws(Problem)
        -> [TrafficSight.Counts]
    func shadowFigures(of type: ModelType, _ version: ModelVersion) async throws(Problem) -> ShadowFigures
}
