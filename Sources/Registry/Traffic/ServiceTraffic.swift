/// What callers got from one service: since it was first asked, or since the last report.
public struct ServiceTraffic: Hashable, Sendable {
    public var requests: Int64 = 0
    public var failures: Int64 = 0
    public var retries: Int64 = 0
    public var inFlight = 0
    /// To the first byte of the answers.
    public var latency = LatencyBuckets()

    public init() {}

    public static func += (left: inout ServiceTraffic, right: ServiceTraffic) {
        left.requests += right.requests
        left.failures += right.failures
        left.retries += right.retries
        left.inFlight += right.inFlight
        left.latency += right.latency
    }

    public static func -= (left: inout ServiceTraffic, right: ServiceTraffic) {
        left.requests -= right.requests
        left.failures -= right.failures
        left.retries -= right.retries
        left.inFlight -= right.inFlight
        left.latency -= right.latency
    }
}
