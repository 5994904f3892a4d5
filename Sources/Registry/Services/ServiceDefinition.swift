/// What a caller, the services file or a discovery source says about a service. Every field is checked already.
public struct ServiceDefinition: Hashable, Sendable {
    public var id: ServiceID
    public var url: ServiceURL
    public var modelType: ModelType
    /// `default` when the service named none.
    public var modelVersion: ModelVersion
    /// In the order given, without repetition.
    public var capabilities: [String]
    /// Requests in flight at one instance, over all replicas. Nil: no limit.
    public var concurrentRequestsMax: Int?
    /// Total deadline of a request to this service, instead of `SERVICE_TIMEOUT`.
    public var timeout: Duration?
    /// Share of traffic under the weighted strategies, 1...1000.
    public var weight: Int
    public var wireProtocol: WireProtocol
    /// Path of the health probe. Nil: the protocol's own.
    public var healthPath: String?
    public var metadata: [String: String]
    public var discovery: Discovery
    /// The service must heartbeat within this time or is removed. Nil: it stays until somebody removes it.
    public var lease: Duration?
    public var kind: Kind
    /// Whether the caller's credentials reach the service.
    public var forwardsAuthorization: Bool

    public static let weightDefault = 100

    public enum WireProtocol: String, Hashable, Sendable, CaseIterable {
        case native, oip, influxdb1, influxdb2, http
    }

    public enum Discovery: String, Hashable, Sendable, CaseIterable {
        case `static`, dns
    }

    public enum Kind: String, Hashable, Sendable, CaseIterable {
        case model, data, validation
    }

    public init(
        id: ServiceID,
        url: ServiceURL,
        modelType: ModelType,
        modelVersion: ModelVersion = .unnamed,
        capabilities: [String] = []
    ) {
        self.id = id
        self.url = url
        self.modelType = modelType
        self.modelVersion = modelVersion
        self.capabilities = capabilities
        self.concurrentRequestsMax = nil
        self.timeout = nil
        self.weight = Self.weightDefault
        self.wireProtocol = .native
        self.healthPath = nil
        self.metadata = [:]
        self.discovery = .static
        self.lease = nil
        self.kind = .model
        self.forwardsAuthorization = false
    }

    /// The path a probe asks for.
    public var probePath: String {
        let standard =
            switch self.wireProtocol {
            case .oip: "/v2/health/ready"
            case .influxdb1: "/ping"
            case .native where self.isTorchServe: "/ping"
            case .native, .influxdb2, .http: "/health"
            }
        return self.url.pathPrefix + (self.healthPath ?? standard)
    }

    /// It says that it is a TorchServe: a native service but for the paths, which name model and version.
    public var isTorchServe: Bool { self.metadata["deployment"] == "torchserve" }

    /// Path of a native prediction by the version, behind the address' prefix.
    public func predictPath(of version: ModelVersion) -> String {
        guard self.isTorchServe else { return "/predict" }
        return "/predictions/\(self.modelType)" + (version == .unnamed ? "" : "/\(version)")
    }

    /// `prediction` is offered by the capability itself and by every `…_prediction`; likewise for others.
    public func offers(_ capability: String) -> Bool {
        self.capabilities.contains { $0 == capability || $0.hasSuffix("_" + capability) }
    }
}
