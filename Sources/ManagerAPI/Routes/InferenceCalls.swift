internal import Gateway
internal import Hummingbird
internal import Registry

/// Inferences by the Open Inference Protocol: the data plane sends them to services that speak it, or translates.
struct InferenceCalls: Sendable {
    let calls: ModelCalls

    /// A route's handler for one action; the version may be named in the path.
    func handler(_ action: InferenceOrder.Action) -> Route.Handler {
        { call in
            let type = try call.name("model_type", ModelType.self)
            let version = try call.parameters["version"].map { _ in try call.name("version", ModelVersion.self) }
            let order = InferenceOrder(modelType: type, version: version, action: action)
            return try await self.calls.pass(call, .infer(order))
        }
    }
}
