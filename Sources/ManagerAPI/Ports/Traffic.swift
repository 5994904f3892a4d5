public import Gateway
public import Registry

/// The part of the data plane that the routes use.
public protocol Traffic: Sendable {
    /// A cancelled call cancels the attempt.
    func exchange(_ request: GatewayRequest) async -> GatewayAnswer
    func statistics() async -> DataPlaneStatistics
    func states(of service: ServiceID) -> [InstanceState]
    func explain(modelType: ModelType, version: ModelVersion, capability: String) -> Explanation
}

extension DataPlane: Traffic {}
