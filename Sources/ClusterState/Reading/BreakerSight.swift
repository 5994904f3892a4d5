internal import RedisClient
public import Registry

/// A breaker as the cluster has it.
public struct BreakerSight: Hashable, Sendable {
    public var instance: InstanceKey
    public var phase: BreakerPhase
    /// Rises with every move of any breaker.
    public var version: Int64
    /// Raised by each trip of this one.
    public var generation: Int
    public var trips: Int
    /// Since it opened last.
    public var openedAgo: Duration
    /// Until a probe may be asked for; zero when it may.
    public var retryIn: Duration

    public init(
        instance: InstanceKey,
        phase: BreakerPhase,
        version: Int64,
        generation: Int,
        trips: Int,
        openedAgo: Duration,
        retryIn: Duration
    ) {
        self.instance = instance
        self.phase = phase
        self.version = version
        self.generation = generation
        self.trips = trips
        self.openedAgo = openedAgo
        self.retryIn = retryIn
    }

    /// Nil for an instance whose name no Model Manager wrote.
    init?(_ value: RedisValue) throws(StateError) {
        var part = try ReplyReader(value, of: "breaker_read")
        let instance = InstanceKey(text: try part.text())
        let phase = try part.text()
        self.version = try part.integer()
        self.generation = Int(try part.integer())
        self.trips = Int(try part.integer())
        self.openedAgo = .milliseconds(try part.integer())
        self.retryIn = .milliseconds(try part.integer())
        guard let instance, let known = BreakerPhase(rawValue: phase) else { return nil }
        self.instance = instance
        self.phase = known
    }
}

/// Moves of breakers since a version.
public struct BreakerReading: Hashable, Sendable {
    /// Below the version asked for when Redis lost its data.
    public var newest: Int64
    public var moved: [BreakerSight]

    public init(newest: Int64, moved: [BreakerSight]) {
        self.newest = newest
        self.moved = moved
    }
}

/// What the cluster made of the outcomes told.
public struct OutcomeReceipt: Hashable, Sendable {
    public enum Status: String, Hashable, Sendable {
        case counted
        /// Counted, and some failures of the last 10 s count, too: what happens next is wanted soon.
        case watched
        case tripped
        /// The pool has lost as many as it may.
        case held
        /// Admitted before the last trip, or the breaker is not closed.
        case late
    }

    public struct Reply: Hashable, Sendable {
        public var status: Status
        /// In which outcomes count now.
        public var generation: Int
    }

    /// The newest move of any breaker.
    public var newest: Int64
    /// In the order in which the outcomes were told.
    public var replies: [Reply]
}

/// The cluster's answer to who wants to probe.
public enum ProbeReply: Hashable, Sendable {
    case granted
    /// Others have as many as there are.
    case taken
    /// The cooldown goes on for so long.
    case open(Duration)
    case closed(generation: Int)
    /// The session is over.
    case lapsed
}

extension InstanceKey {
    /// From its description, as it stands in Redis.
    init?(text: String) {
        guard let at = text.firstIndex(of: "@"), let service = ServiceID(String(text[..<at])),
            let url = try? ServiceURL(String(text[text.index(after: at)...]))
        else { return nil }
        self.init(service: service, url: url)
    }
}
