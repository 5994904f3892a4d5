public import Registry

/// Turns figures that only rise into numbered reports of what is new, each of which counts once.
///
/// The hard case is a report whose fate is unknown: Redis may have counted it. It is sent again, unchanged and under its
/// number, until an answer comes; what happened meanwhile goes into the next one.
public struct TrafficLedger: Hashable, Sendable {
    private struct Key: Hashable {
        var type: ModelType
        var version: ModelVersion
    }

    /// What one report says.
    public struct Report: Hashable, Sendable {
        public let number: Int64
        public let epoch: Epoch
        public let rows: [VersionTraffic]
    }

    private var told: [Key: VersionTraffic] = [:]
    private var pending: (report: Report, told: [Key: VersionTraffic])?
    private var number: Int64 = 0

    public init() {}

    /// The report to send now: the last one again while its fate is unknown, else what is new since.
    public mutating func draft(_ totals: [VersionTraffic], epoch: Epoch) -> Report {
        if let pending { return pending.report }
        self.number += 1
        var rows: [VersionTraffic] = []
        var told = self.told
        for total in totals {
            let key = Key(type: total.type, version: total.version)
            let before = self.told[key] ?? VersionTraffic(type: total.type, version: total.version)
            guard total != before else { continue }
            rows.append(total.since(before))
            told[key] = total
        }
        let report = Report(number: self.number, epoch: epoch, rows: rows)
        self.pending = (report, told)
        return report
    }

    /// The report was counted, now or before.
    public mutating func counted() {
        guard let pending else { return }
        self.told = pending.told
        self.pending = nil
    }

    /// The session under which it was sent is over, and with it whatever it said of requests in flight.
    public mutating func lapsed() {
        guard pending != nil else { return }
        self.pending = nil
        for key in self.told.keys { self.told[key]?.inFlight = 0 }
    }

    public static func == (left: TrafficLedger, right: TrafficLedger) -> Bool {
        left.told == right.told && left.number == right.number && left.pending?.report == right.pending?.report
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(self.number)
    }
}

extension VersionTraffic {
    fileprivate func since(_ before: VersionTraffic) -> VersionTraffic {
        var new = self
        new.requests -= before.requests
        new.failures -= before.failures
        new.latencyMicroseconds -= before.latencyMicroseconds
        new.shadow = new.shadow - before.shadow
        return new
    }
}
