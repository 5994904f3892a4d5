public import Registry

/// Finds out what a server serves that nobody registered: which question to ask next, and what the answers mean.
///
/// Native services say it at `/info`. Servers of the Open Inference Protocol answer `/v2`, and their repository index
/// names the models; as the index of some servers calls a version ready that is only on disk, names no versions, or
/// leaves out states, every version is asked for itself. A server that says nothing useful is told apart from one that
/// is silent: the first is a configuration to mend, the second one to wait for.
public struct Introspection: Hashable, Sendable {
    public enum Question: Hashable, Sendable {
        case info, server, index, health, ping
        case ready(Model)

        public var path: String {
            switch self {
            case .info: "/info"
            case .server: "/v2"
            case .index: "/v2/repository/index"
            case .health: "/health"
            case .ping: "/ping"
            case .ready(let model): model.readyPath
            }
        }

        /// The index is asked for with an empty object: one known server refuses an empty body.
        public var body: String? { self == .index ? "{}" : nil }
    }

    /// A model of an inference server.
    public struct Model: Hashable, Sendable {
        public var type: ModelType
        /// Nil where the server knows none.
        public var version: ModelVersion?

        var readyPath: String {
            "/v2/models/\(self.type)" + (self.version.map { "/versions/\($0)" } ?? "") + "/ready"
        }
    }

    /// What came back.
    public struct Answer: Hashable, Sendable {
        public var status: Int
        public var body: String

        public init(status: Int, body: String) {
            self.status = status
            self.body = body
        }
    }

    public enum Step: Hashable, Sendable {
        case ask(Question)
        case found([Offer])
        /// It answers, but does not say what it serves.
        case unclear(String)
        case silent
    }

    /// What the server offers, before it is somebody's service.
    public struct Offer: Hashable, Sendable {
        public var type: ModelType
        public var version: ModelVersion?
        public var capabilities: [String]
        /// Every version it has, as it names them.
        public var versions: [String] = []
        public var wireProtocol: ServiceDefinition.WireProtocol
        public var healthPath: String?
    }

    /// Models of one server that are looked at; further ones are not.
    public static let modelsMax = 64

    private var question: Question = .info
    private var untold: [Model] = []
    private var ready: [Offer] = []

    public init() {}

    public var first: Question { self.question }

    /// The answer to the question asked last; nil when there was none.
    public mutating func answered(_ answer: Answer?) -> Step {
        guard let answer else { return .silent }
        let step = self.step(answer)
        if case .ask(let next) = step { self.question = next }
        return step
    }

    private mutating func step(_ answer: Answer) -> Step {
        let value = try? JSONValue.parse(answer.body)
        let isGood = answer.status == 200
        switch self.question {
        case .info:
            if isGood, let offer = value.flatMap(Self.native) { return .found([offer]) }
            return .ask(.server)
        case .server:
            let isServer = isGood && (value?["name"] != nil || value?["extensions"] != nil)
            return .ask(isServer ? .index : .health)
        case .index:
            guard isGood, let entries = value?.asArray else {
                return .unclear("its /v2/repository/index names no models")
            }
            self.untold = Array(entries.compactMap(Self.model).prefix(Self.modelsMax))
            return self.nextModel()
        case .ready(let model):
            if isGood { self.ready.append(Self.offer(of: model)) }
            return self.nextModel()
        case .health:
            if let offer = value.flatMap(Self.native) { return .found([offer]) }
            return .ask(.ping)
        case .ping:
            let isTorchServe = isGood && value?["status"]?.asString == "Healthy"
            return .unclear(
                isTorchServe
                    ? "it looks like TorchServe, which speaks neither of the protocols"
                    : "neither /info, /v2 nor /health says which model it serves"
            )
        }
    }

    private mutating func nextModel() -> Step {
        guard let model = self.untold.first else { return .found(self.ready) }
        self.untold.removeFirst()
        return .ask(.ready(model))
    }

    // MARK: Reading

    private static func native(_ value: JSONValue) -> Offer? {
        guard let type = value["model_type"]?.asString.flatMap({ ModelType($0) }) else { return nil }
        let version = value["model_version"]?.asString.flatMap { ModelVersion($0) }
        let capabilities = value["capabilities"].map { Self.names($0) } ?? ["prediction"]
        return Offer(
            type: type,
            version: version == .latest ? nil : version,
            capabilities: capabilities,
            versions: value["versions"].map { Self.names($0) } ?? [],
            wireProtocol: .native
        )
    }

    /// Nil for an entry whose names the registry could not hold, and for one that says itself that it cannot serve.
    private static func model(_ entry: JSONValue) -> Model? {
        guard let type = entry["name"]?.asString.flatMap({ ModelType($0) }) else { return nil }
        let state = entry["state"]?.asString?.uppercased() ?? ""
        guard state != "UNAVAILABLE", state != "UNLOADING" else { return nil }
        let text = entry["version"]?.asString ?? entry["version"]?.asInteger.map { String($0) }
        guard let text, !text.isEmpty else { return Model(type: type, version: nil) }
        guard let version = ModelVersion(text), version != .latest else { return nil }
        return Model(type: type, version: version)
    }

    /// Each model is probed for itself: some servers call themselves unready as soon as any model is.
    private static func offer(of model: Model) -> Offer {
        Offer(
            type: model.type,
            version: model.version,
            capabilities: ["prediction"],
            wireProtocol: .oip,
            healthPath: model.readyPath
        )
    }

    private static func names(_ value: JSONValue) -> [String] {
        var names: [String] = []
        for name in (value.asArray ?? []).compactMap(\.asString).prefix(Self.modelsMax) where NameRule.allows(name) {
            if !names.contains(name) { names.append(name) }
        }
        return names
    }
}
