public import Registry

/// What one replica makes of an instance's health: what the cluster says, unless that is out of reach or too old.
///
/// While in touch the cluster's verdict counts, but for an instance that only this replica cannot reach. Out of touch
/// this replica's own probes count where it has the duty; elsewhere the last verdict does until its lease has run out,
/// and then the instance is unknown again: it takes its chance, and live traffic judges it.
public struct SharedVerdict: Hashable, Sendable {
    public private(set) var verdict: Verdict = .unknown
    public private(set) var version: Int64 = 0
    private var unreachableUntil: [String: Instant] = [:]
    /// Older versions than this say what was before.
    private var floor: Int64 = 0

    /// Verdicts are renewed every interval; one that was not for so many has no meaning.
    public static let leaseIntervals = 3

    public init() {}

    /// Readings of the store may overtake each other: what is older than what is known changes nothing.
    /// `unreachableFrom`: replicas that do not reach the instance though others do, and how long that is remembered.
    public mutating func decide(
        _ verdict: Verdict,
        version: Int64,
        unreachableFrom: [String: Duration],
        now: Instant
    ) {
        guard version >= self.floor else { return }
        self.verdict = verdict
        (self.version, self.floor) = (version, version)
        self.unreachableUntil = unreachableFrom.mapValues { now + $0 }
    }

    /// The store has lost what it had, perhaps its clock as well: whatever version it names from now on is newer.
    public mutating func forgetOrder() { self.floor = 0 }

    public var hasExclusions: Bool { !self.unreachableUntil.isEmpty }

    public func excluded(now: Instant) -> Set<String> {
        Set(self.unreachableUntil.filter { $0.value > now }.keys)
    }

    /// How this replica stands to the cluster and to the instance.
    public struct Standing: Hashable, Sendable {
        public var replica: String
        /// By its own probes; nil when it has made none.
        public var own: Verdict?
        public var hasDuty: Bool
        /// Since when the cluster is out of touch; nil while it is in touch.
        public var lostAt: Instant?

        public init(replica: String, own: Verdict?, hasDuty: Bool, lostAt: Instant?) {
            self.replica = replica
            self.own = own
            self.hasDuty = hasDuty
            self.lostAt = lostAt
        }
    }

    /// What the data plane shall go by.
    public func effective(_ standing: Standing, interval: Duration, now: Instant) -> Verdict {
        guard let lostAt = standing.lostAt else {
            if self.excluded(now: now).contains(standing.replica) { return .unhealthy }
            return self.version > 0 ? self.verdict : standing.own ?? .unknown
        }
        if standing.hasDuty, let own = standing.own { return own }
        return now - lostAt < interval * Self.leaseIntervals ? self.verdict : .unknown
    }
}
