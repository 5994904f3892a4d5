public import Registry

/// Keeps one replica's session with Redis, and knows how far that session can be trusted.
///
/// Intuition: a guest who pays a night ahead, always early, and knows that the landlord's clock is not his own: he
/// counts from when he set out to pay, not from when he was thanked, and leaves a margin before the night ends. He writes
/// on the note when he set out, by the landlord's clock as he last saw it: should he die on the way and the note come
/// late, the room is free no later for that.
/// The hard case is a replica that wakes up from a pause after its own deadline. Redis may still have the session, with
/// everything held through it: so the same session is extended first, and a new one is opened only when Redis says
/// that the old one is over. Opening one while the old one lives would count its holdings twice.
/// Invariants: one beat is under way at a time; a lapsed session's ordinal is never used again; what `isTrusted` says
/// ends earlier than Redis' own deadline, whatever the clocks do.
public struct SessionMachine: Hashable, Sendable {
    public enum State: Hashable, Sendable {
        /// None is open. Can move to `open` and `left`.
        case closed
        /// Redis keeps it at least until the instant; after that it may be over. Can move to `closed` and `left`.
        case open(until: Instant, clock: LeaseClockReading)
        /// The replica goes away. The last state.
        case left
    }

    public private(set) var state = State.closed
    /// Names the session that is open or about to be opened; raised when one is over.
    public private(set) var ordinal = 1
    public let ttl: Duration
    private var isAsking = false
    private var nextBeatAt: Instant?
    private var lastBeatAt: Instant?

    /// What is taken off the lease for the lease clock's leaps (at most 0.5 s for each step of Redis' clock).
    public static let margin = Duration.seconds(2)
    /// Beats per lease.
    public static let beatsPerLease = 6
    /// Between two beats at least, however much there is to tell: what comes meanwhile is told with the next one.
    public static let gapMin = Duration.milliseconds(25)

    /// - Parameter ttl: `REPLICA_LEASE`, more than `margin`. Short: a pause costs all permits. Long: so do a crash's.
    public init(ttl: Duration) {
        precondition(ttl > Self.margin, "a session of \(ttl) is over before it can be trusted")
        self.ttl = ttl
    }

    public enum BeatAction: Hashable, Sendable {
        case nothing
        case open(ordinal: Int)
        /// `sentAt` is now, by the lease clock.
        case extend(ordinal: Int, sentAt: Int64)
    }

    /// Whether it is time for a beat. Whoever is told to beat reports `answered` or `failed` for it. The random number,
    /// of 0..<1, keeps replicas from beating as one.
    public mutating func beat(now: Instant, random: Double) -> BeatAction {
        guard !self.isAsking, self.nextBeatAt.map({ $0 <= now }) ?? true else { return .nothing }
        switch self.state {
        case .left:
            return .nothing
        case .closed:
            self.begin(now: now, random: random)
            return .open(ordinal: self.ordinal)
        case .open(_, let clock):
            self.begin(now: now, random: random)
            return .extend(ordinal: self.ordinal, sentAt: clock.estimate(now: now))
        }
    }

    /// When `beat` will have something to do; nil: at once, or never again.
    public var beatAt: Instant? { self.nextBeatAt }

    /// Lets the next beat come as soon as may be.
    public mutating func hurry(now: Instant) {
        let soon = self.lastBeatAt.map { max(now, $0 + Self.gapMin) } ?? now
        self.nextBeatAt = self.nextBeatAt.map { min($0, soon) }
    }

    public enum Answer: Hashable, Sendable {
        /// Opened or extended: Redis keeps it for `remaining` by its lease clock, which read `clock`, in milliseconds.
        case kept(remaining: Duration, clock: Int64)
        case lapsed
    }

    public enum AnswerAction: Hashable, Sendable {
        case nothing
        /// There is a session, and nothing is held through it yet.
        case began(ordinal: Int)
        /// The session is over and everything held through it is lost.
        case lost
    }

    /// Redis answered a beat that was begun at `sentAt`.
    public mutating func answered(_ answer: Answer, sentAt: Instant, now: Instant) -> AnswerAction {
        self.isAsking = false
        switch (self.state, answer) {
        case (.left, _):
            return .nothing
        case (_, .kept(let remaining, let clock)):
            let until = sentAt + (min(remaining, self.ttl) - Self.margin)
            return self.kept(until: until, LeaseClockReading(milliseconds: clock, at: now))
        case (.closed, .lapsed):  // opened by a try that was never answered, and over since
            self.renounce()
            return .nothing
        case (.open, .lapsed):
            self.renounce()
            return .lost
        }
    }

    /// No answer came; whether Redis heard the beat is unknown, and does not matter. The next one comes sooner: what the
    /// session holds may be at stake, and at the start nothing can be held before the first.
    public mutating func failed(now: Instant) {
        self.isAsking = false
        let soon = now + self.ttl / Self.beatsPerLease / 4
        self.nextBeatAt = self.nextBeatAt.map { min($0, soon) }
    }

    public enum LoseAction: Hashable, Sendable { case nothing, lost }

    /// Redis told another call of this session that the session is over.
    public mutating func heardLapsed(ordinal: Int) -> LoseAction {
        guard case .open = self.state, ordinal == self.ordinal else { return .nothing }
        self.renounce()
        return .lost
    }

    /// Whether Redis keeps the session for sure.
    public func isTrusted(now: Instant) -> Bool {
        guard case .open(let until, _) = self.state else { return false }
        return now < until
    }

    /// Until when Redis keeps the session for sure; nil when none is open.
    public var trustedUntil: Instant? {
        guard case .open(let until, _) = self.state else { return nil }
        return until
    }

    /// The session, open as far as we know; nil before the first and between two.
    public var openOrdinal: Int? {
        guard case .open = self.state else { return nil }
        return self.ordinal
    }

    public enum LeaveAction: Hashable, Sendable {
        case nothing
        case end(ordinal: Int)
    }

    /// The replica goes away. Also ends a session whose opening was never answered.
    public mutating func leave() -> LeaveAction {
        guard self.state != .left else { return .nothing }
        self.state = .left
        return .end(ordinal: self.ordinal)
    }

    private mutating func begin(now: Instant, random: Double) {
        self.isAsking = true
        self.lastBeatAt = now
        self.nextBeatAt = now + self.ttl / Self.beatsPerLease * (0.9 + 0.2 * random)
    }

    /// Redis has the session: what a closed one hears of may have been opened by an earlier try.
    private mutating func kept(until: Instant, _ clock: LeaseClockReading) -> AnswerAction {
        if case .open(let earlier, _) = self.state {
            self.state = .open(until: max(earlier, until), clock: clock)
            return .nothing
        }
        self.state = .open(until: until, clock: clock)
        return .began(ordinal: self.ordinal)
    }

    private mutating func renounce() {
        self.state = .closed
        self.ordinal += 1
        self.nextBeatAt = nil
    }
}
