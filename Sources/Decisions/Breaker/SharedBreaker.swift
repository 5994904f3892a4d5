public import Registry

/// What one replica makes of an instance's breaker: its own judgement, and what the cluster has decided.
///
/// Intuition: a branch office. It closes its own counter when its own customers complain, reports every complaint, and
/// follows the head office as soon as that has spoken. When the line is dead it decides alone, going on from what it
/// heard last; when the line is back the head office's word counts again.
/// While in touch, a breaker that the cluster opened is probed only with permits of the cluster, so that all replicas
/// together send no more than may be. What only this replica's own machine opened (a route broken between it and the
/// instance) concerns nobody else and is probed here.
/// The hard cases: outcomes of requests admitted before a trip, own or the cluster's, count for nothing (`generation`
/// rises with both); a breaker that this replica closed while it was alone stays closed here, and the cluster is told
/// with a probe that has succeeded already; a permit whose grant got lost is handed back by its number.
public struct SharedBreaker: Hashable, Sendable {
    /// Follows the cluster while that is out of touch or has opened the breaker; else judges by itself.
    public private(set) var own: BreakerMachine
    /// What the cluster said last.
    public private(set) var cluster = Decision(phase: .closed, version: 0, generation: 0, trips: 0)
    public private(set) var isInTouch = false
    /// What became of requests and has not been told yet.
    private var untold: OutcomeReport?
    private var permits = Permits()

    /// The cluster's permits for probes, from the wish to the end.
    private struct Permits: Hashable, Sendable {
        var numbered = 0
        var asking: Int?
        /// Granted, not used yet; to be handed back at the instant.
        var inHand: [Int: Instant] = [:]
        /// By the token of the probe.
        var inUse: [Int: BreakerMachine.Probe] = [:]
        var ended: [EndedProbe] = []
        /// A request was turned away for want of a permit.
        var isWanted = false
        /// Nil: has not been asked in this phase.
        var askAgainAt: Instant?
    }

    /// A permit is used within this time or handed back.
    public static let handMax: Duration = .seconds(10)
    /// Between two questions for a permit that others hold.
    public static let askInterval: Duration = .milliseconds(250)
    /// Permits asked for at one time are one; ends that wait to be told, at most so many.
    public static let endedMax = 16

    public init(policy: BreakerPolicy, seed: UInt64) {
        self.own = BreakerMachine(policy: policy, seed: seed)
    }

    public var phase: BreakerPhase { self.own.phase }
    public var generation: Int { self.own.generation }
    public var hasUntold: Bool { self.untold != nil }
    /// The breaker is out by this replica's judgement alone.
    public var isOutAlone: Bool { self.phase != .closed && self.cluster.phase == .closed }
    /// Something waits to be told to, or asked of, the cluster.
    public var hasErrand: Bool { self.isInTouch && (self.cluster.phase != .closed || !self.permits.ended.isEmpty) }

    private var isLedByCluster: Bool { self.isInTouch && self.cluster.phase != .closed }

    // MARK: From the request path

    public mutating func record(_ report: OutcomeReport, bound: EjectionBound, now: Instant)
        -> BreakerMachine.RecordAction
    {
        guard self.phase == .closed, report.generation == self.generation else { return .nothing }
        self.tell(report)
        return self.own.record(report, bound: bound, now: now)
    }

    public mutating func moveOn(now: Instant) -> BreakerMachine.MoveOnAction {
        guard self.isLedByCluster else { return self.own.moveOn(now: now) }
        for (token, probe) in self.permits.inUse where probe.deadline <= now {
            self.permits.inUse[token] = nil
            self.end(-token, .failure)
        }
        for (number, until) in self.permits.inHand where until <= now { self.handBack(number) }
        return self.own.moveOn(now: now)
    }

    /// Nil: not now; when the cluster gives the permits, one is wanted from then on.
    public mutating func admitProbe(until deadline: Instant, now: Instant) -> BreakerMachine.Probe? {
        guard self.isLedByCluster else { return self.own.admitProbe(until: deadline, now: now) }
        guard self.phase == .halfOpen, now < deadline else { return nil }
        guard let number = self.permits.inHand.first(where: { now < $0.value })?.key else {
            self.permits.isWanted = true
            return nil
        }
        self.permits.inHand[number] = nil
        let probe = BreakerMachine.Probe(token: -number, deadline: deadline)
        self.permits.inUse[-number] = probe
        return probe
    }

    public mutating func probeEnded(
        _ probe: BreakerMachine.Probe,
        _ outcome: BreakerMachine.ProbeOutcome,
        now: Instant
    ) -> BreakerMachine.ProbeEndedAction {
        guard probe.token < 0 else { return self.ownProbeEnded(probe, outcome, now: now) }
        guard self.permits.inUse.removeValue(forKey: probe.token) != nil else { return .nothing }
        self.end(-probe.token, outcome)
        return self.isInTouch ? .nothing : self.own.conclude(outcome, now: now)
    }

    private mutating func ownProbeEnded(
        _ probe: BreakerMachine.Probe,
        _ outcome: BreakerMachine.ProbeOutcome,
        now: Instant
    ) -> BreakerMachine.ProbeEndedAction {
        switch outcome {
        case .neutral: break
        case .success: self.tell(.success(generation: self.generation))
        case .failure: self.tell(.failure(generation: self.generation))
        }
        return self.own.probeEnded(probe, outcome, now: now)
    }

    // MARK: To the cluster

    private mutating func tell(_ report: OutcomeReport) {
        guard self.isInTouch, self.cluster.phase == .closed else { return }
        guard self.untold != nil else {
            self.untold = report
            return
        }
        self.untold?.append(report)
    }

    /// What is to be counted by the cluster, in its generation; it is not told again.
    public mutating func takeUntold() -> OutcomeReport? {
        defer { self.untold = nil }
        guard var report = self.untold, self.isInTouch, self.cluster.phase == .closed else { return nil }
        report.generation = self.cluster.generation
        return report
    }

    public mutating func takeEnded() -> [EndedProbe] {
        defer { self.permits.ended = [] }
        return self.permits.ended
    }

    public mutating func wish(now: Instant) -> Wish? {
        guard self.isLedByCluster, self.phase != .open, self.permits.asking == nil, self.permits.inHand.isEmpty else {
            return nil
        }
        let isDue = self.permits.askAgainAt.map { $0 <= now && (self.permits.isWanted || self.hasClosedAlone) } ?? true
        guard isDue else { return nil }
        self.permits.numbered += 1
        self.permits.asking = self.permits.numbered
        return Wish(number: self.permits.numbered, isUrgent: self.permits.isWanted)
    }

    /// This replica found the instance well while nobody could be told.
    private var hasClosedAlone: Bool { self.phase == .closed }

    // MARK: From the cluster

    public mutating func answered(_ number: Int, _ answer: WishAnswer, now: Instant) {
        guard self.permits.asking == number else {
            if answer == .granted { self.handBack(number) }
            return
        }
        self.permits.asking = nil
        self.permits.askAgainAt = now + Self.askInterval
        switch answer {
        case .granted: self.granted(number, now: now)
        case .taken: break
        case .unknown: self.handBack(number)
        case .open(let retryAt) where self.hasClosedAlone: self.permits.askAgainAt = retryAt
        case .open(let retryAt):
            self.cluster.retryAt = retryAt
            self.own.adopt(.open(since: self.cluster.openedAt, until: retryAt, trips: self.cluster.trips), now: now)
        case .closed(let generation):
            var decision = self.cluster
            decision.phase = .closed
            decision.generation = generation
            self.take(decision, now: now)
        }
    }

    private mutating func granted(_ number: Int, now: Instant) {
        guard self.isLedByCluster else { return self.handBack(number) }
        guard !self.hasClosedAlone else { return self.end(number, .success) }
        self.permits.isWanted = false
        self.permits.inHand[number] = now + Self.handMax
    }

    /// Another replica wants a permit that is in hand here unused.
    public mutating func othersWant() {
        for number in self.permits.inHand.keys { self.handBack(number) }
    }

    /// One was given back somewhere.
    public mutating func permitFreed() {
        if self.permits.isWanted { self.permits.askAgainAt = Instant(nanoseconds: 0) }
    }

    /// True when that changed what this replica does.
    public mutating func decide(_ decision: Decision, now: Instant) -> Bool {
        guard decision.version > self.cluster.version else { return false }
        let before = (self.phase, self.generation)
        self.take(decision, now: now)
        return before != (self.phase, self.generation)
    }

    /// Outcomes count in this generation now, whatever was heard before (Redis may have lost what it had).
    public mutating func heardGeneration(_ generation: Int) {
        if self.cluster.phase == .closed { self.cluster.generation = generation }
    }

    /// More of the pool is out than may be, and this one only by the judgement of this replica.
    public mutating func yield(now: Instant) {
        if self.isOutAlone { self.own.adopt(.closed, now: now) }
    }

    private mutating func take(_ decision: Decision, now: Instant) {
        let wasClosed = self.cluster.phase == .closed
        self.cluster = decision
        self.untold = nil
        if decision.phase != .halfOpen || wasClosed { self.dropPermits() }
        switch decision.phase {
        case .closed: if !wasClosed { self.own.adopt(.closed, now: now) }
        case .open:
            self.own.adopt(.open(since: decision.openedAt, until: decision.retryAt, trips: decision.trips), now: now)
        case .halfOpen:
            self.own.adopt(.halfOpen(since: decision.openedAt, trips: decision.trips), now: now)
        }
    }

    /// The line to the cluster is there or not. What was in hand is void when it is lost.
    public mutating func setInTouch(_ isInTouch: Bool) {
        guard isInTouch != self.isInTouch else { return }
        self.isInTouch = isInTouch
        self.untold = nil
        self.dropPermits()
        self.own.forgetProbes()
    }

    private mutating func dropPermits() {
        for number in self.permits.inHand.keys { self.handBack(number) }
        self.permits.asking = nil
        self.permits.askAgainAt = nil
        self.permits.isWanted = false
    }

    private mutating func handBack(_ number: Int) {
        self.permits.inHand[number] = nil
        self.end(number, .neutral)
    }

    private mutating func end(_ number: Int, _ outcome: BreakerMachine.ProbeOutcome) {
        if self.permits.ended.count == Self.endedMax { self.permits.ended.removeFirst() }
        self.permits.ended.append(EndedProbe(number: number, outcome: outcome))
    }
}
