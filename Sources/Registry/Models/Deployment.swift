/// An order to have services load a version of a model, and what became of it so far.
///
/// Everything stands in the store, so that whoever leads can carry it on: a service without an outcome is asked, again if
/// need be. Asking twice to load a version does no harm.
public struct Deployment: Hashable, Sendable {
    /// What became of it at one service; the texts are for people.
    public enum Outcome: Hashable, Sendable {
        /// The service has said that the version is ready there.
        case loaded
        /// The service cannot load versions.
        case skipped(String)
        case failed(String)

        /// `loaded`, `skipped`, `failed`.
        public var name: String {
            switch self {
            case .loaded: "loaded"
            case .skipped: "skipped"
            case .failed: "failed"
            }
        }

        public var reason: String? {
            switch self {
            case .loaded: nil
            case .skipped(let reason), .failed(let reason): reason
            }
        }

        public init?(name: String, reason: String) {
            switch name {
            case "loaded": self = .loaded
            case "skipped": self = .skipped(reason)
            case "failed": self = .failed(reason)
            default: return nil
            }
        }
    }

    public static let servicesMax = 1000

    /// In the order in which they are asked.
    public var services: [ServiceID]
    /// What the services are told to load; nil: they know by the version's name.
    public var artifact: String?
    public var parameters: JSONValue?
    public var outcomes: [ServiceID: Outcome]

    public init(
        services: [ServiceID],
        artifact: String? = nil,
        parameters: JSONValue? = nil,
        outcomes: [ServiceID: Outcome] = [:]
    ) {
        self.services = services
        self.artifact = artifact
        self.parameters = parameters
        self.outcomes = outcomes
    }

    /// Whether somebody has to carry it on.
    public var isUnderWay: Bool { self.services.contains { self.outcomes[$0] == nil } }

    /// The order as the store keeps it. Equal orders are equal texts.
    public var order: JSONValue {
        var order: JSONObject = ["services": .array(self.services.map { .string($0.text) })]
        if let artifact { order["artifact"] = .string(artifact) }
        if let parameters { order["parameters"] = parameters }
        return .object(order)
    }

    /// Nil when that is no order.
    public init?(order: JSONValue) {
        guard let services = order["services"]?.asArray else { return nil }
        self.init(
            services: services.compactMap { $0.asString.flatMap { ServiceID($0) } },
            artifact: order["artifact"]?.asString,
            parameters: order["parameters"]
        )
    }
}
