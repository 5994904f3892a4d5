public import Registry

/// Turns what event loops count into numbered reports of what is new, each of which the cluster counts once.
///
/// The hard case is a report whose fate is unknown: Redis may have counted it. It is sent again, unchanged and under its
/// number, until an answer comes; what happened meanwhile goes into the next one. Requests in flight are told as they
/// are, not as they changed: what a session said of them ends with it.
public struct ServedLedger: Sendable {
    /// What one report says: what is new, and of each service in it all that is in flight.
    public struct Report: Hashable, Sendable {
        public let number: Int64
        public let new: ServedTraffic
        public let inFlight: [ServiceID: Int]
    }

    /// Not known to be counted, the pending report included; without what is in flight.
    private var new = ServedTraffic()
    private var inFlight: [ServiceID: Int] = [:]
    private var inFlightTold: [ServiceID: Int] = [:]
    private var pending: Report?
    /// The last service that a report told of when there were too many for one.
    private var toldLast: ServiceID?

    /// Services in one report; more of them take turns.
    public static let servicesMax = 1000

    private var number: Int64 = 0

    public init() {}

    /// What has to be added to what the cluster has counted of this replica; nil while nobody knows what that is.
    public var untold: (after: Int64, ServedTraffic)? {
        guard self.pending == nil else { return nil }
        var untold = self.new
        for id in self.changed {
            untold.services[id, default: ServiceTraffic()].inFlight =
                (self.inFlight[id] ?? 0) - (self.inFlightTold[id] ?? 0)
        }
        return (self.number, untold)
    }

    /// The loops counted this since they were last asked; `inFlight` is what it changed by.
    public mutating func add(_ news: ServedTraffic) {
        var news = news
        for (id, traffic) in news.services where traffic.inFlight != 0 {
            let now = self.inFlight[id, default: 0] + traffic.inFlight
            self.inFlight[id] = now == 0 ? nil : now
            news.services[id]?.inFlight = 0
        }
        self.new += news
    }

    /// The report to send now: the last one again while its fate is unknown, else what is new; nil when nothing is.
    public mutating func draft() -> Report? {
        if let pending { return pending }
        let services = self.whoseTurn(self.changed.union(self.new.services.keys))
        guard self.new != ServedTraffic() || !services.isEmpty else { return nil }
        var new = self.new
        new.services = [:]
        var told: [ServiceID: Int] = [:]
        for id in services {
            new.services[id] = self.new.services[id]
            told[id] = self.inFlight[id] ?? 0
        }
        self.number += 1
        let report = Report(number: self.number, new: new, inFlight: told)
        self.pending = report
        return report
    }

    /// The report was counted, now or before.
    public mutating func answered() {
        guard let pending else { return }
        self.pending = nil
        self.new -= pending.new
        for (id, count) in pending.inFlight { self.inFlightTold[id] = count == 0 ? nil : count }
    }

    /// The session under which it was sent is over, and with it whatever it said of requests in flight.
    public mutating func lapsed() {
        self.pending = nil
        self.inFlightTold = [:]
    }

    private mutating func whoseTurn(_ services: Set<ServiceID>) -> [ServiceID] {
        guard services.count > Self.servicesMax else { return Array(services) }
        let sorted = services.sorted()
        let first = self.toldLast.flatMap { last in sorted.firstIndex { $0 > last } } ?? 0
        let turn = (sorted[first...] + sorted[..<first]).prefix(Self.servicesMax)
        self.toldLast = turn.last
        return Array(turn)
    }

    /// Services of which more or less is in flight than was told.
    private var changed: Set<ServiceID> {
        Set(self.inFlight.keys).union(self.inFlightTold.keys).filter { self.inFlight[$0] != self.inFlightTold[$0] }
    }
}
