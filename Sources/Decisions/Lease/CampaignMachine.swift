public import Registry

/// Decides when a replica asks for the leadership, whether it leads, and when it must stop believing so.
///
/// Intuition: an heir who does not ask for the throne while he has reason to think that the king lives, and a king who
/// abdicates by himself when he has not heard the bells for long enough.
/// The hard case is a Redis that forgot the leader. The record is gone, so anybody who asks gets the leadership, while
/// the old leader still believes in his. Hence a follower waits until the lease that it last saw has run out on its own
/// clock, unless the leader resigned, which the record says in so many words.
/// This machine only keeps two from believing at one time; that two do not write is the fence's work, in Redis.
/// Each call says when it was sent, by the lease clock as this replica last heard it: one that arrives after its sender's
/// death keeps the place from nobody for longer. Who has not heard the clock for a lease asks for it first.
/// Invariants: one call is under way at a time; terms that this replica leads under only rise; belief ends `margin`
/// before the lease that Redis granted, counted from when the call was begun.
public struct CampaignMachine: Hashable, Sendable {
    public enum State: Hashable, Sendable {
        /// Somebody else leads, or nobody; asks at the instant. Can move to `leading` and `left`.
        case following(askAt: Instant)
        /// Leads under the term until the instant, unless renewed before. Can move to `following` and `left`.
        case leading(Term, until: Instant, renewAt: Instant)
        /// Neither leads nor asks any more. The last state.
        case left
    }

    public private(set) var state: State
    /// The highest term heard of, whoever's.
    public private(set) var newestTerm = Term.none
    /// Who led when it was last seen; nil when nobody did.
    public private(set) var leader: String?
    public let candidate: String
    public let ttl: Duration
    private var isAsking = false
    private var clock: LeaseClockReading?
    /// The highest term that was given back: whoever is still shown in it was seen there before.
    private var resignedTerm = Term.none

    /// As `SessionMachine.margin`.
    public static let margin = SessionMachine.margin
    /// After a leader's lease ran out by our clock it may have some milliseconds left by Redis'.
    private static let waitMin = Duration.milliseconds(20)

    /// The candidate is replica id and boot; the ttl is `LEADER_LEASE`, more than `margin`.
    public init(candidate: String, ttl: Duration, now: Instant) {
        precondition(ttl > Self.margin, "a leadership of \(ttl) is over before it can be trusted")
        self.candidate = candidate
        self.ttl = ttl
        self.state = .following(askAt: now)
    }

    /// The term this replica leads under; nil when it does not.
    public func term(now: Instant) -> Term? {
        guard case .leading(let term, let until, _) = self.state, now < until else { return nil }
        return term
    }

    public enum DueAction: Hashable, Sendable {
        case nothing
        /// `sentAt` is now, by the lease clock; nil: that is not known well enough to be given the leadership.
        case ask(sentAt: Int64?)
        /// The time is up: no task of a leader may take another step.
        case deposed(Term)
    }

    /// Time has passed. Whoever is told to ask reports `won`, `held`, `late` or `failed` for it.
    public mutating func due(now: Instant) -> DueAction {
        switch self.state {
        case .leading(let term, let until, _) where until <= now:
            self.state = .following(askAt: now)
            return .deposed(term)
        case .leading(_, _, let askAt), .following(let askAt):
            guard askAt <= now, !self.isAsking else { return .nothing }
            self.isAsking = true
            return .ask(sentAt: self.clock.flatMap { $0.age(now: now) < self.ttl ? $0.estimate(now: now) : nil })
        case .left:
            return .nothing
        }
    }

    /// When `due` will have something to do; nil: never again.
    public var dueAt: Instant? {
        switch self.state {
        case .following(let askAt): askAt
        case .leading(_, let until, let renewAt): self.isAsking ? until : min(until, renewAt)
        case .left: nil
        }
    }

    public enum WinAction: Hashable, Sendable {
        case nothing
        case elected(Term)
        /// The leadership came while the replica was leaving: give it back.
        case resign
    }

    /// Redis says that this replica leads, for `remaining` yet. `sentAt` is when it was asked, `clock` what it answered.
    public mutating func won(
        _ term: Term,
        remaining: Duration,
        sentAt: Instant,
        clock: LeaseClockReading,
        now: Instant
    ) -> WinAction {
        (self.isAsking, self.clock) = (false, clock)
        self.newestTerm = max(self.newestTerm, term)
        let until = sentAt + (min(remaining, self.ttl) - Self.margin)
        switch self.state {
        case .left:
            return .resign
        case .leading(let present, let earlier, _) where present == term:
            self.state = .leading(term, until: max(earlier, until), renewAt: sentAt + self.beat)
            return .nothing
        case .leading, .following:
            return self.elected(term, until: until, renewAt: sentAt + self.beat, now: now)
        }
    }

    /// Redis changed nothing, because the call was too old or did not say how old it was: asked again, it can.
    public mutating func late(clock: LeaseClockReading, now: Instant) {
        (self.isAsking, self.clock) = (false, clock)
        let soon = now + Self.waitMin
        switch self.state {
        case .leading(let term, let until, _): self.state = .leading(term, until: until, renewAt: soon)
        case .following(let askAt): self.state = .following(askAt: max(askAt, soon))
        case .left: break
        }
    }

    public enum SeeAction: Hashable, Sendable {
        case nothing
        /// Somebody else leads.
        case deposed(Term)
    }

    /// Redis says that somebody else leads, for so long at least.
    public mutating func held(
        by holder: String,
        _ term: Term,
        remaining: Duration,
        clock: LeaseClockReading,
        now: Instant
    ) -> SeeAction {
        (self.isAsking, self.clock) = (false, clock)
        guard term > self.resignedTerm else {
            self.failed(now: now)
            return .nothing
        }
        return self.observed(holder: holder, term, remaining: remaining, now: now)
    }

    /// What the record of the leadership says, read in passing. An observation tells a follower how long to wait; only
    /// a resignation lets it ask earlier, and what was read before that and comes after it lets it wait no longer.
    public mutating func observed(holder: String?, _ term: Term, remaining: Duration, now: Instant) -> SeeAction {
        let isResigned = holder == nil && term > .none && term >= self.newestTerm
        self.newestTerm = max(self.newestTerm, term)
        if isResigned { self.resignedTerm = term }
        switch self.state {
        case .left:
            return .nothing
        case .leading(let present, _, _):
            guard let holder, holder != self.candidate, term > present else { return .nothing }
            self.leader = holder
            self.state = .following(askAt: now + max(remaining, Self.waitMin))
            return .deposed(present)
        case .following where holder != nil && term <= self.resignedTerm:
            return .nothing
        case .following(let askAt):
            self.leader = holder ?? (isResigned ? nil : self.leader)
            if isResigned { self.state = .following(askAt: min(askAt, now)) }
            // What is our own from a belief that ended is asked for again at once.
            if let holder, holder != self.candidate, remaining > .zero {
                self.state = .following(askAt: max(askAt, now + max(remaining, Self.waitMin)))
            }
            return .nothing
        }
    }

    /// A leader's resignation was heard: the place is free.
    public mutating func heardResignation(of term: Term, now: Instant) {
        guard case .following(let askAt) = self.state, term >= self.newestTerm else { return }
        self.newestTerm = term
        self.resignedTerm = term
        self.leader = nil
        self.state = .following(askAt: min(askAt, now))
    }

    /// No answer came. A leader asks again a beat later, as long as it may believe; a follower, with the place perhaps
    /// vacant, sooner.
    public mutating func failed(now: Instant) {
        self.isAsking = false
        switch self.state {
        case .leading(let term, let until, _): self.state = .leading(term, until: until, renewAt: now + self.beat)
        case .following(let askAt): self.state = .following(askAt: max(askAt, now + self.beat / 4))
        case .left: break
        }
    }

    public enum LeaveAction: Hashable, Sendable { case nothing, resign }

    /// The replica goes away: it hands over and asks no more. A call under way may still win; `won` says what then.
    public mutating func leave() -> LeaveAction {
        defer { self.state = .left }
        guard case .leading = self.state else { return .nothing }
        return .resign
    }

    /// What came too late to be believed is asked for again.
    private mutating func elected(_ term: Term, until: Instant, renewAt: Instant, now: Instant) -> WinAction {
        self.leader = self.candidate
        guard now < until else {
            self.state = .following(askAt: now + Self.waitMin)
            return .nothing
        }
        self.state = .leading(term, until: until, renewAt: renewAt)
        return .elected(term)
    }

    private var beat: Duration { self.ttl / SessionMachine.beatsPerLease }
}
