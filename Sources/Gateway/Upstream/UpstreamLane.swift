internal import Decisions
internal import NIOCore
internal import Registry

/// One event loop's dealings with one instance: its idle connections and what it counted.
///
/// Idle connections are a stack: the one used last is used next, so that few stay warm and the rest can age out.
/// Confined to its event loop (`@unchecked Sendable`): only the loop with the lane's index touches it.
final class UpstreamLane: @unchecked Sendable {
    /// Connections of one loop to one instance.
    static let connectionsMax = 1024
    /// An idle connection is closed after so long; most servers give up on their side later, so the race is rare.
    static let idleMax = Duration.seconds(30)

    private var idle: [UpstreamConnection] = []
    /// Connections open or being opened.
    private(set) var open = 0
    /// Whether the loop looks after this lane in its sweep.
    var isListed = false
    var counts = ServiceCounts()
    /// Good answers not yet told to the breaker, all of the generation beside them.
    var goodAnswers = 0
    var goodGeneration = 0
    var latency = LatencyEstimate(now: Instant(nanoseconds: 0))
    var inFlight = 0
    /// What was taken of `counts` and `inFlight` for a report.
    private var told = ServiceCounts()
    private var inFlightTold = 0

    /// Whether anything was counted since the last report.
    var hasNews: Bool {
        self.counts.requests != self.told.requests || self.counts.retries != self.told.retries
            || self.counts.failures != self.told.failures || self.inFlight != self.inFlightTold
    }

    var hasRoom: Bool { self.open < Self.connectionsMax }

    func opening() { self.open += 1 }

    func closed(_ connection: UpstreamConnection?) {
        self.open -= 1
        guard let connection else { return }
        self.idle.removeAll { $0 === connection }
    }

    /// Adds what is new since the last time; `inFlight` by how much it changed.
    func takeNews(into traffic: inout ServiceTraffic) {
        traffic.requests += self.counts.requests - self.told.requests
        traffic.failures += self.counts.failures - self.told.failures
        traffic.retries += self.counts.retries - self.told.retries
        traffic.inFlight += self.inFlight - self.inFlightTold
        self.counts.latency.takeNews(since: &self.told.latency, into: &traffic.latency)
        self.told.requests = self.counts.requests
        self.told.failures = self.counts.failures
        self.told.retries = self.counts.retries
        self.inFlightTold = self.inFlight
    }

    @inline(__always)
    func takeIdle() -> UpstreamConnection? { self.idle.popLast() }

    @inline(__always)
    func putIdle(_ connection: UpstreamConnection) { self.idle.append(connection) }

    /// Closes what was idle since before the instant.
    func closeIdle(since instant: Instant) {
        guard let first = self.idle.first, first.idleSince <= instant else { return }
        let old = self.idle.filter { $0.idleSince <= instant }
        self.idle.removeAll { $0.idleSince <= instant }
        for connection in old { connection.close() }
    }
}

/// What a lane counted since it exists.
struct ServiceCounts {
    var requests: Int64 = 0
    var failures: Int64 = 0
    var retries: Int64 = 0
    var latency = LatencyCounts()
}
