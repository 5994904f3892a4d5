internal import Registry

/// One instance as a member of a pool of one snapshot: the upstream and what the snapshot says of its service.
final class RouteMember: Sendable {
    let upstream: Upstream
    let version: ModelVersion
    let weight: Int
    /// The service's own deadline; nil: the replica's.
    let timeoutNanoseconds: Int64?
    let forwardsAuthorization: Bool
    let concurrentRequestsMax: Int
    /// `x-mm-service`, `x-mm-instance` and `x-mm-model-version`, each with CRLF.
    let answerLines: [UInt8]

    /// Whether this replica may send it another request. (What other replicas send is not seen here.)
    @inline(__always)
    var hasRoom: Bool {
        self.concurrentRequestsMax == .max || self.upstream.inFlight < self.concurrentRequestsMax
    }

    init(upstream: Upstream, definition: ServiceDefinition) {
        self.upstream = upstream
        self.version = definition.modelVersion
        self.weight = definition.weight
        self.timeoutNanoseconds = definition.timeout?.inNanoseconds
        self.forwardsAuthorization = definition.forwardsAuthorization
        self.concurrentRequestsMax = definition.concurrentRequestsMax ?? .max
        let lines =
            "x-mm-service: \(definition.id)\r\nx-mm-instance: \(upstream.key.url)\r\n"
            + "x-mm-model-version: \(definition.modelVersion)\r\n"
        self.answerLines = Array(lines.utf8)
    }
}
