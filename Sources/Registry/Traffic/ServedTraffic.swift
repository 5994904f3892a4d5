/// What callers got in all, and from each service that was asked: of one replica or of all of them.
public struct ServedTraffic: Hashable, Sendable {
    public var requests: Int64 = 0
    public var failures: Int64 = 0
    public var retries: Int64 = 0
    public var services: [ServiceID: ServiceTraffic] = [:]

    public init() {}

    public static func += (left: inout ServedTraffic, right: ServedTraffic) {
        left.requests += right.requests
        left.failures += right.failures
        left.retries += right.retries
        for (id, traffic) in right.services { left.services[id, default: ServiceTraffic()] += traffic }
    }

    /// What becomes nothing by it is dropped.
    public static func -= (left: inout ServedTraffic, right: ServedTraffic) {
        left.requests -= right.requests
        left.failures -= right.failures
        left.retries -= right.retries
        for (id, traffic) in right.services {
            left.services[id, default: ServiceTraffic()] -= traffic
            if left.services[id] == ServiceTraffic() { left.services[id] = nil }
        }
    }
}
