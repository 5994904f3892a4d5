public import Registry

/// How a service is asked to load and unload versions.
public enum LoadDialect: Hashable, Sendable {
    /// `POST /models/{version}/load`, watched at `GET /models`.
    case native
    /// The repository extension of the Open Inference Protocol. It knows models, not versions: `load` brings what the
    /// repository has, and each version is confirmed by its own `ready`.
    case repository
    /// TorchServe's management API, at an address of its own.
    case torchServe(ServiceURL)

    /// A service says `"deployment": "torchserve"` and `"management_url"` in its metadata; else its protocol decides.
    public init(_ service: ServiceDefinition) {
        if service.isTorchServe {
            let text = service.metadata["management_url"] ?? service.url.description
            self = .torchServe((try? ServiceURL(text)) ?? service.url)
        } else {
            self = service.wireProtocol == .oip ? .repository : .native
        }
    }

    /// The requests that unload the version, one after the other, or why there are none; the answer to the last one is
    /// what counts. `others`: versions of the model that the service still has, the one that callers get first.
    public static func unload(
        _ version: ModelVersion,
        at service: ServiceDefinition,
        others: [ModelVersion]
    ) -> Result<[LoadRequest], Reason> {
        switch LoadDialect(service) {
        case .native: return .success([LoadRequest("POST", service.url, "/models/\(version)/unload")])
        case .repository:
            guard others.isEmpty else {
                return .failure(Reason("was not asked: it can only unload all versions at once"))
            }
            return .success([
                LoadRequest("POST", service.url, "/v2/repository/models/\(service.modelType)/unload", body: [:])
            ])
        case .torchServe(let management):
            let model = "/models/\(service.modelType)"
            let unload = LoadRequest("DELETE", management, "\(model)/\(version)")
            // It keeps the version that it takes for the default as long as there are others.
            let instead = others.first.map { LoadRequest("PUT", management, "\(model)/\($0)/set-default") }
            return .success([instead, unload].compactMap { $0 })
        }
    }

    /// What the answer to the last of these requests means; completes a sentence about the service.
    public static func unloaded(_ status: Int, by service: ServiceDefinition) -> String {
        switch (status, LoadDialect(service)) {
        case (200...299, _): "unloaded it"
        case (404, .torchServe): "had it no more"
        case (404, _), (405, _), (501, _): "cannot unload"
        default: "answered \(status) to unloading"
        }
    }

    /// Why a service is not asked; completes a sentence about it.
    public struct Reason: Error, Hashable, Sendable {
        public var text: String
        init(_ text: String) { self.text = text }
    }
}
