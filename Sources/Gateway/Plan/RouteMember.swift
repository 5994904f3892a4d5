internal import Registry

/// One instance as a member of a pool of one snapshot: the upstream and what the snapshot says of its service.
final class RouteMember: Sendable {
    let upstream: Upstream
    let version: ModelVersion
    let weight: Int
    /// The service's own deadline; nil: the replica's.
    let timeoutNanoseconds: Int64?
    let forwardsAuthorization: Bool
    /// `x-mm-service`, `x-mm-instance` and `x-mm-model-version`, each with CRLF.
    let answerLines: [UInt8]
    /// The upstream's request line and `host`, `x-mm-model-version` when the service named its version (the body goes as it
    /// came and may say `latest`), and the token that the address wants.
    let predictHead: [UInt8]
    let trainHead: [UInt8]
    /// What its server calls the model: `/v2/models/<name>`, and the version where the service named one.
    let inferencePath: String
    private let inferenceHead: [UInt8]

    var requestHeadBytesMax: Int {
        max(self.predictHead.count, self.trainHead.count, self.inferenceHead.count + InferenceOrder.Action.bytesMax)
    }

    /// A service may have other versions than the one it is registered with. A `token` takes the place of the caller's
    /// credentials.
    init(upstream: Upstream, definition: ServiceDefinition, version modelVersion: ModelVersion, token: String? = nil) {
        self.upstream = upstream
        self.version = modelVersion
        self.weight = definition.weight
        self.timeoutNanoseconds = definition.timeout?.inNanoseconds
        self.forwardsAuthorization = definition.forwardsAuthorization && token == nil
        let lines =
            "x-mm-service: \(definition.id)\r\nx-mm-instance: \(upstream.key.url)\r\n"
            + "x-mm-model-version: \(modelVersion)\r\n"
        self.answerLines = Array(lines.utf8)
        let isNamed = modelVersion != .unnamed
        let authorization = token.map { "authorization: Bearer \($0)\r\n" } ?? ""
        let version = Array(((isNamed ? "x-mm-model-version: \(modelVersion)\r\n" : "") + authorization).utf8)
        let prefix = upstream.key.url.pathPrefix
        self.predictHead = Self.head(prefix + definition.predictPath(of: modelVersion), upstream) + version
        self.trainHead = upstream.trainHead + version
        let path = "\(prefix)/v2/models/\(definition.modelType)"
        self.inferencePath = isNamed ? "\(path)/versions/\(modelVersion)" : path
        self.inferenceHead = Self.head("\(self.inferencePath)/infer", upstream) + version
    }

    /// As `predictHead`, for an action of the Open Inference Protocol.
    func inferenceHead(_ action: InferenceOrder.Action) -> [UInt8] {
        if action == .infer { return self.inferenceHead }
        let version = self.inferenceHead.dropFirst(Self.head("\(self.inferencePath)/infer", self.upstream).count)
        return Self.head("\(self.inferencePath)/\(action.rawValue)", self.upstream) + version
    }

    private static func head(_ path: String, _ upstream: Upstream) -> [UInt8] {
        Array("POST \(path) HTTP/1.1\r\nhost: \(upstream.origin.authority)\r\n".utf8)
    }
}
