public import Registry

/// Brings one version to one service: what to ask next, and what came of it.
///
/// Intuition: ask to load, then look until the service itself says that the version is ready; only its word counts.
/// The hard case is that servers differ in everything: some answer when the version is there, some at once; some say 404
/// for "no such route", some for "no such model"; repositories list what they have not loaded. A machine that begins
/// anew asks again, which a service that has the version already answers with success.
public struct LoadMachine: Sendable {
    public enum State: Hashable, Sendable {
        /// Asks whether the version is there already. Can move to `loading`, `ended`.
        case looking
        /// Has asked to load it. Can move to `watching`, `ended`.
        case loading
        /// Waits for the service's word that it is ready. Can move to `ended`.
        case watching
        case ended
    }

    public enum Action: Hashable, Sendable {
        case send(LoadRequest)
        /// Call `woke` then.
        case wait(until: Instant)
        case end(Deployment.Outcome)
    }

    /// From the beginning to the version's being ready.
    public static let timeout = Duration.seconds(600)
    static let pollInterval = Duration.milliseconds(500)
    /// A repository that has answered to loading is ready soon, or never.
    static let confirmTimeout = Duration.seconds(30)
    static let triesMax = 3
    private static let refusals = [404, 405, 501]

    public let service: ServiceDefinition
    public let version: ModelVersion
    private let artifact: String?
    private let parameters: JSONValue?
    private let dialect: LoadDialect
    public private(set) var state: State
    private var deadline: Instant
    private var failures = 0
    /// What TorchServe said that it has registered.
    private var registered = "it does not say which"

    public init(_ version: ModelVersion, at service: ServiceDefinition, by order: Deployment, now: Instant) {
        self.service = service
        self.version = version
        self.artifact = order.artifact
        self.parameters = order.parameters
        self.dialect = LoadDialect(service)
        // Parameters are to take effect, also on a version that is there already.
        self.state = self.dialect == .repository && order.parameters == nil ? .looking : .loading
        self.deadline = now + Self.timeout
    }

    // MARK: Events

    public mutating func began() -> Action { self.ask() }

    public mutating func woke(now: Instant) -> Action {
        now < self.deadline ? self.ask() : self.end(.failed("it was not ready in time"))
    }

    /// The service could not be asked.
    public mutating func failed(_ kind: String, now: Instant) -> Action {
        self.failures += 1
        guard self.failures < Self.triesMax, now < self.deadline else {
            return self.end(.failed("it could not be asked: \(kind)"))
        }
        return .wait(until: now + Self.pollInterval)
    }

    public mutating func answered(_ status: Int, _ body: JSONValue?, now: Instant) -> Action {
        self.failures = 0
        switch (self.state, self.dialect) {
        case (.looking, _):
            if status == 200 { return self.end(.loaded) }
            self.state = .loading
            return self.ask()
        case (.loading, _): return self.answeredLoading(status, body, now: now)
        case (.watching, .native): return self.seen(Self.state(of: self.version, listed: body), now: now)
        case (.watching, .repository): return self.seen(status == 200 ? "ready" : nil, now: now)
        case (.watching, .torchServe):
            if status == 404 { return self.end(.failed("the archive holds another version: \(self.registered)")) }
            return self.seen(Self.workerState(body), now: now)
        case (.ended, _): return .end(.failed("it was asked after the end"))
        }
    }

    // MARK: Rules

    private mutating func answeredLoading(_ status: Int, _ body: JSONValue?, now: Instant) -> Action {
        if self.dialect.isTorchServe { return self.registeredOrNot(status, body, now: now) }
        switch status {
        case 202: return self.watch(for: Self.timeout, now: now)
        case 200..<300:
            return self.dialect == .native ? self.end(.loaded) : self.watch(for: Self.confirmTimeout, now: now)
        case _ where Self.refusals.contains(status):
            return self.end(.skipped("it cannot load versions: it answered \(status)"))
        default: return self.end(.failed("it answered \(status)\(Self.told(body))"))
        }
    }

    /// TorchServe takes the version from the archive, whatever was asked for. 409: it has it already, or is still loading
    /// what somebody ordered before. 405: its model API is off, which it is unless told otherwise. 404: no such archive.
    private mutating func registeredOrNot(_ status: Int, _ body: JSONValue?, now: Instant) -> Action {
        self.registered = body?["status"]?.asString ?? body?["message"]?.asString ?? self.registered
        switch status {
        case 200..<300, 409: return self.watch(for: Self.timeout, now: now)
        case 405: return self.end(.skipped("it cannot load versions: its model API is off"))
        default: return self.end(.failed("it answered \(status)\(Self.told(body))"))
        }
    }

    private mutating func watch(for limit: Duration, now: Instant) -> Action {
        self.state = .watching
        self.deadline = min(self.deadline, now + limit)
        return self.ask()
    }

    private mutating func seen(_ state: String?, now: Instant) -> Action {
        switch state?.lowercased() {
        case "ready", "serving", "loaded": self.end(.loaded)
        case "failed": self.end(.failed("it says that loading failed"))
        default:
            now < self.deadline
                ? .wait(until: now + Self.pollInterval)
                : self.end(.failed("it was not ready in time\(state.map { ", but \($0)" } ?? "")"))
        }
    }

    private mutating func end(_ outcome: Deployment.Outcome) -> Action {
        self.state = .ended
        return .end(outcome)
    }

    private mutating func ask() -> Action {
        switch (self.state, self.dialect) {
        case (.looking, _), (.watching, .repository):
            // A service without a version has what its server serves when none is named.
            let version = self.version == .unnamed ? "" : "/versions/\(self.version)"
            let path = "/v2/models/\(self.service.modelType)\(version)/ready"
            return .send(LoadRequest("GET", self.service.url, path))
        case (.loading, .native):
            return .send(LoadRequest("POST", self.service.url, "/models/\(self.version)/load", body: self.nativeOrder))
        case (.watching, .native): return .send(LoadRequest("GET", self.service.url, "/models"))
        case (.loading, .repository):
            let path = "/v2/repository/models/\(self.service.modelType)/load"
            let body: JSONValue = self.parameters.map { ["parameters": $0] } ?? [:]
            return .send(LoadRequest("POST", self.service.url, path, body: body))
        case (.loading, .torchServe(let management)): return self.register(at: management)
        case (.watching, .torchServe(let management)):
            return .send(LoadRequest("GET", management, "/models/\(self.service.modelType)/\(self.version)"))
        case (.ended, _): return .end(.failed("it was asked after the end"))
        }
    }

    private var nativeOrder: JSONValue {
        var order = JSONObject()
        if let artifact { order["artifact"] = .string(artifact) }
        if let parameters { order["parameters"] = parameters }
        return .object(order)
    }

    private mutating func register(at management: ServiceURL) -> Action {
        guard let artifact, artifact.utf8.allSatisfy(Self.isPlain) else {
            return self.end(.failed("TorchServe needs an artifact: the plain name or address of an archive"))
        }
        var settings = ["initial_workers": "1"]
        for member in self.parameters?.asObject?.members ?? [] {
            let value = member.value.asString ?? member.value.serialized()
            guard (member.name + value).utf8.allSatisfy(Self.isPlain) else {
                return self.end(.failed("TorchServe takes numbers and plain words alone as \(member.name)"))
            }
            settings[member.name] = value
        }
        let more = settings.sorted { $0.key < $1.key }.map { "&\($0.key)=\($0.value)" }.joined()
        let query = "url=\(artifact)&model_name=\(self.service.modelType)&synchronous=true\(more)"
        return .send(LoadRequest("POST", management, "/models?\(query)"))
    }

    /// What needs no encoding in a query, and cannot end it.
    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: "-._~/:@".utf8.contains(byte)
        }
    }

    /// Of `{"versions":[{"version","state"}]}`.
    private static func state(of version: ModelVersion, listed body: JSONValue?) -> String? {
        body?["versions"]?.asArray?.first { $0["version"]?.asString == version.text }?["state"]?.asString
    }

    /// Of `[{"workers":[{"status":"READY"}]}]`.
    private static func workerState(_ body: JSONValue?) -> String? {
        let workers = body?.asArray?.first?["workers"]?.asArray ?? []
        return workers.contains { $0["status"]?.asString == "READY" } ? "ready" : nil
    }

    /// What a server says of an error, short and in one line.
    private static func told(_ body: JSONValue?) -> String {
        let told = body?["error"]?.asString ?? body?["message"]?.asString ?? body?["detail"]?.asString
        return told.map { ": " + String($0.prefix(200)) } ?? ""
    }
}

extension LoadDialect {
    fileprivate var isTorchServe: Bool { if case .torchServe = self { true } else { false } }
}
