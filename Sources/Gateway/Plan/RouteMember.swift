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
    /// The upstream's request line and `host`, and `x-mm-model-version` when the service named its version: the body
    /// goes as it came and may say `latest`.
    let predictHead: [UInt8]
    let trainHead: [UInt8]

    var requestHeadBytesMax: Int { max(self.predictHead.count, self.trainHead.count) }

    init(upstream: Upstream, definition: ServiceDefinition) {
        self.upstream = upstream
        self.version = definition.modelVersion
        self.weight = definition.weight
        self.timeoutNanoseconds = definition.timeout?.inNanoseconds
        self.forwardsAuthorization = definition.forwardsAuthorization
        let lines =
            "x-mm-service: \(definition.id)\r\nx-mm-instance: \(upstream.key.url)\r\n"
            + "x-mm-model-version: \(definition.modelVersion)\r\n"
        self.answerLines = Array(lines.utf8)
        let isNamed = definition.modelVersion != .unnamed
        let version = isNamed ? Array("x-mm-model-version: \(definition.modelVersion)\r\n".utf8) : []
        self.predictHead = upstream.predictHead + version
        self.trainHead = upstream.trainHead + version
    }
}
