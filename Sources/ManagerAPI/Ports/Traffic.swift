public import Gateway
public import Registry

/// The part of the data plane that the routes use.
public protocol Traffic: Sendable {
    /// A cancelled call cancels the attempt.
    func exchange(_ request: GatewayRequest) async -> GatewayAnswer
    func statistics() async -> DataPlaneStatistics
    /// What this replica's callers got of each version that it has served.
    func versionTraffic() async -> [VersionTraffic]
    func states(of service: ServiceID) -> [InstanceState]
    /// A question of the manager's own to one instance; ends within the call's timeout.
    func call(_ call: UpstreamCall) async throws(UpstreamFailure) -> UpstreamAnswer
    func explain(modelType: ModelType, version: ModelVersion, capability: String) -> Explanation
}

extension DataPlane: Traffic {}
