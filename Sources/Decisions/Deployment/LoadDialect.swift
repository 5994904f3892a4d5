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
        if service.metadata["deployment"] == "torchserve" {
            let text = service.metadata["management_url"] ?? service.url.description
            self = .torchServe((try? ServiceURL(text)) ?? service.url)
        } else {
            self = service.wireProtocol == .oip ? .repository : .native
        }
    }

    /// The request that unloads the version, or why there is none. `others`: versions of the model that the service
    /// still has.
    public static func unload(
        _ version: ModelVersion,
        at service: ServiceDefinition,
        others: Int
    ) -> Result<LoadRequest, Reason> {
        switch LoadDialect(service) {
        case .native: return .success(LoadRequest("POST", service.url, "/models/\(version)/unload"))
        case .repository:
            guard others == 0 else { return .failure(Reason("was not asked: it can only unload all versions at once")) }
            return .success(
                LoadRequest("POST", service.url, "/v2/repository/models/\(service.modelType)/unload", body: [:])
            )
        case .torchServe(let management):
            return .success(LoadRequest("DELETE", management, "/models/\(service.modelType)/\(version)"))
        }
    }

    /// Why a service is not asked; completes a sentence about it.
    public struct Reason: Error, Hashable, Sendable {
        public var text: String
        init(_ text: String) { self.text = text }
    }
}
