internal import RedisClient
public import Registry

extension ClusterState {
    /// Adds what a replica's callers got since its last report; `number` rises within the session, so that a report that
    /// is repeated counts once. `inFlight` is all that is in flight at a service now.
    public func reportServed(
        _ session: String,
        number: Int64,
        _ new: ServedTraffic,
        _ inFlight: [ServiceID: Int]
    ) async throws(StateError) -> TrafficReply {
        var words = [session, String(number)]
        words += ["", String(new.requests), String(new.failures), String(new.retries), "0", "0", ""]
        for id in Set(new.services.keys).union(inFlight.keys) {
            words += Self.row(id, new.services[id] ?? ServiceTraffic(), inFlight[id] ?? 0)
        }
        var reply = try await self.call("served_report", words.map { RedisWord($0) })
        let status = try reply.text()
        guard let known = TrafficReply(rawValue: status) else {
            throw StateError(.unreadable, "served_report answered \(status)")
        }
        return known
    }

    /// So many services are asked about in one call.
    private static let servedAtOnce = 500

    /// What callers of all replicas got, in all and of these services, as far as it was reported.
    public func served(of services: [ServiceID]) async throws(StateError) -> ServedTraffic {
        var served = ServedTraffic()
        var rest = [""] + services.map(\.text)
        while !rest.isEmpty {
            var reply = try await self.call("served_counts", rest.prefix(Self.servedAtOnce).map { RedisWord($0) })
            rest.removeFirst(min(rest.count, Self.servedAtOnce))
            for item in reply.rest() { try Self.read(item, into: &served) }
        }
        return served
    }

    private static func row(_ id: ServiceID, _ traffic: ServiceTraffic, _ inFlight: Int) -> [String] {
        let bounds = zip(Self.bounds, traffic.latency.counts).filter { $0.1 > 0 }.map { "\($0.0):\($0.1)" }
        let sums = [traffic.requests, traffic.failures, traffic.retries, traffic.latency.sumMicroseconds]
        return [id.text] + sums.map { String($0) } + [String(inFlight), bounds.joined(separator: ",")]
    }

    private static func read(_ item: RedisValue, into served: inout ServedTraffic) throws(StateError) {
        var row = try ReplyReader(item, of: "served_counts")
        let id = try row.text()
        var traffic = ServiceTraffic()
        traffic.requests = try row.integer()
        traffic.failures = try row.integer()
        traffic.retries = try row.integer()
        traffic.latency.sumMicroseconds = try row.integer()
        traffic.inFlight = Int(try row.integer())
        let bounds = row.rest().compactMap(\.string)
        for place in stride(from: 0, to: bounds.count - 1, by: 2) {
            guard let bucket = Self.bounds.firstIndex(of: bounds[place]) else { continue }
            traffic.latency.counts[bucket] = Int64(bounds[place + 1]) ?? 0
        }
        if let service = ServiceID(id) { return served.services[service] = traffic }
        (served.requests, served.failures, served.retries) = (traffic.requests, traffic.failures, traffic.retries)
    }

    /// How the buckets of latencies are named: milliseconds that none of their answers took longer than.
    private static let bounds: [String] =
        LatencyBuckets.boundsMicroseconds.map { bound in
            bound % 1000 == 0 ? String(bound / 1000) : String(Double(bound) / 1000)
        } + ["more"]
}
