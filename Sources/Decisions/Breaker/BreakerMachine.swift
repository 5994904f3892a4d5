public import Registry

/// Cuts an instance off from traffic when it keeps failing, and finds out carefully when it is well again.
///
/// Intuition: a fuse with a patient electrician. Failures in a row, or too many within the window, blow it; nobody
/// touches the wire during the cooldown; then a bounded number of requests, and no more, is sent to see.
/// Outcomes come as counts, so that one machine can serve one event loop, a replica that collects from its loops, or
/// the cluster. The rest of the pool is known to it only as an `EjectionBound`, asked at the moment of the trip.
/// The hard case is the straggler: an answer to a request admitted before the trip says nothing about now. Reports carry
/// the generation they were admitted in, and a trip begins a new one; probes carry a token that dies with their phase.
/// Invariants: probes in flight never exceed `probesMax`; every open phase ends, every probe ends or is failed by
/// its deadline, so no phase but closed lasts for ever once somebody asks.
public struct BreakerMachine: Hashable, Sendable {
    public enum State: Hashable, Sendable {
        /// Traffic flows. Can move to `open`.
        case closed
        /// Traffic is rejected until the instant. Can move to `halfOpen`.
        case open(since: Instant, until: Instant)
        /// A few requests find out. `successes` so far in a row. Can move to `closed` and `open`.
        case halfOpen(since: Instant, probes: [Probe], successes: Int)
    }

    /// The right to send one request to a half-open instance; handed back with its outcome.
    public struct Probe: Hashable, Sendable {
        public let token: Int
        /// Then it counts as failed.
        public let deadline: Instant
    }

    public private(set) var state: State = .closed
    /// Raised by each trip.
    public private(set) var generation = 0
    /// Counted towards the next trip while closed; else zero.
    public private(set) var failuresInRow = 0
    /// The bound refused a trip that is still due.
    public private(set) var isHeld = false

    private let policy: BreakerPolicy
    private let seed: UInt64
    private var window: OutcomeWindow
    private var tripsRecent = 0
    /// When it last closed; a trip is forgotten with every `tripMemory` since.
    private var calmSince: Instant?
    private var tokensGiven = 0

    /// The longest cooldown, as a multiple of the policy's.
    public static let cooldownFactorMax = 10
    /// How long without a trip forgets one.
    public static let tripMemory: Duration = .seconds(60)

    /// The seed makes the jitter of the cooldowns; it differs between instances, so that they do not come back as one.
    public init(policy: BreakerPolicy, seed: UInt64) {
        precondition(
            policy.failuresInRowMax > 0 && policy.probesMax > 0 && policy.successesMin > 0 && policy.cooldown > .zero,
            "a breaker cannot follow \(policy)"
        )
        self.policy = policy
        self.seed = seed
        self.window = OutcomeWindow(length: policy.window)
    }

    public var phase: BreakerPhase {
        switch self.state {
        case .closed: .closed
        case .open: .open
        case .halfOpen: .halfOpen
        }
    }

    /// Trips not yet forgotten; each doubles the next cooldown.
    public func trips(now: Instant) -> Int {
        guard let calm = self.calmSince else { return self.tripsRecent }
        return max(0, self.tripsRecent - Int((now - calm) / Self.tripMemory))
    }

    /// When `moveOn` will have something to do; nil while closed.
    public var movesOnAt: Instant? {
        switch self.state {
        case .closed: nil
        case .open(_, let until): until
        case .halfOpen(_, let probes, _): probes.map(\.deadline).min()
        }
    }

    public enum RecordAction: Hashable, Sendable {
        case nothing
        /// The instance is out until the instant.
        case trip(until: Instant)
        /// The instance deserves to be out, but the pool has lost as many as it may. Said once per row of failures.
        case held
    }

    /// Admitted requests have ended; `bound` is the rest of the pool now.
    public mutating func record(_ report: OutcomeReport, bound: EjectionBound, now: Instant) -> RecordAction {
        guard case .closed = self.state, report.generation == self.generation else { return .nothing }
        self.window.add(successes: report.successes, failures: report.failures, now: now)
        if report.successes > 0 { self.failuresInRow = 0 }
        guard report.failures > 0 else {
            self.isHeld = self.isHeld && report.successes == 0
            return .nothing
        }
        self.failuresInRow += report.successes > 0 ? report.trailingFailures : report.failures
        guard self.isDue(now: now) else {
            self.isHeld = false
            return .nothing
        }
        guard bound.allowsOneMore else {
            defer { self.isHeld = true }
            return self.isHeld ? .nothing : .held
        }
        return .trip(until: self.open(now: now))
    }

    public enum MoveOnAction: Hashable, Sendable {
        case nothing
        /// The cooldown is over; probe requests may be admitted.
        case halfOpened
        /// A probe never ended, which is a failure.
        case trip(until: Instant)
    }

    /// Time has passed. Asked at `movesOnAt`; harmless at any other time.
    public mutating func moveOn(now: Instant) -> MoveOnAction {
        switch self.state {
        case .open(_, let until) where until <= now:
            self.state = .halfOpen(since: now, probes: [], successes: 0)
            return .halfOpened
        case .halfOpen(_, let probes, _) where probes.contains { $0.deadline <= now }:
            return .trip(until: self.open(now: now))
        case .closed, .open, .halfOpen:
            return .nothing
        }
    }

    /// A request wants to go to the half-open instance and will have ended by the deadline, one way or the other.
    /// Nil: not now.
    public mutating func admitProbe(until deadline: Instant, now: Instant) -> Probe? {
        guard case .halfOpen(let since, var probes, let successes) = self.state,
            probes.count < self.policy.probesMax, now < deadline
        else { return nil }
        self.tokensGiven += 1
        let probe = Probe(token: self.tokensGiven, deadline: deadline)
        probes.append(probe)
        self.state = .halfOpen(since: since, probes: probes, successes: successes)
        return probe
    }

    /// How a probe request ended.
    public enum ProbeOutcome: Hashable, Sendable {
        /// A 2xx or 3xx; nothing else closes a breaker.
        case success
        case failure
        /// Says nothing of the instance: busy, a 4xx, the caller left.
        case neutral
    }

    public enum ProbeEndedAction: Hashable, Sendable {
        case nothing
        /// The instance is back.
        case reset
        case trip(until: Instant)
    }

    /// A probe request has ended. One of an earlier phase changes nothing.
    public mutating func probeEnded(_ probe: Probe, _ outcome: ProbeOutcome, now: Instant) -> ProbeEndedAction {
        guard case .halfOpen(let since, var probes, var successes) = self.state,
            let place = probes.firstIndex(of: probe)
        else { return .nothing }
        probes.remove(at: place)
        switch outcome {
        case .failure: return .trip(until: self.open(now: now))
        case .success: successes += 1
        case .neutral: break
        }
        guard successes < self.policy.successesMin else {
            self.close(now: now)
            return .reset
        }
        self.state = .halfOpen(since: since, probes: probes, successes: successes)
        return .nothing
    }

    // MARK: By order; see `adopt`

    mutating func closeByOrder(now: Instant) {
        if self.state != .closed { self.close(now: now) }
    }

    mutating func openAgain(now: Instant) -> Instant { self.open(now: now) }

    /// Out of traffic by somebody else's decision: a new generation when it was in, else the same trip.
    mutating func leave(to state: State, trips: Int) {
        if self.state == .closed { self.generation += 1 }
        if case (.halfOpen, .open) = (self.state, state) { self.generation += 1 }
        self.tripsRecent = trips
        self.calmSince = nil
        self.clearCounts()
        self.state = state
    }

    /// Probes that were admitted say nothing any more.
    public mutating func forgetProbes() {
        guard case .halfOpen(let since, _, _) = self.state else { return }
        self.state = .halfOpen(since: since, probes: [], successes: 0)
    }

    private func isDue(now: Instant) -> Bool {
        self.failuresInRow >= self.policy.failuresInRowMax
            || self.window.totals(now: now).failsAtLeast(self.policy.failureRatioMax, of: self.policy.requestsMin)
    }

    private mutating func open(now: Instant) -> Instant {
        self.tripsRecent = self.trips(now: now) + 1
        self.calmSince = nil
        self.generation += 1
        let until = now + self.cooldown()
        self.clearCounts()
        self.state = .open(since: now, until: until)
        return until
    }

    private mutating func close(now: Instant) {
        self.calmSince = now
        self.clearCounts()
        self.state = .closed
    }

    private mutating func clearCounts() {
        self.failuresInRow = 0
        self.isHeld = false
        self.window.clear()
    }

    /// Doubles with each trip up to the bound, then varies by up to a tenth either way.
    private func cooldown() -> Duration {
        let factor = min(1 << min(self.tripsRecent - 1, 30), Self.cooldownFactorMax)
        let draw = StableHash.mixed(self.seed &+ UInt64(self.generation)) >> 11
        let jitter = 0.9 + 0.2 * Double(draw) / Double(1 << 53)
        return self.policy.cooldown * (Double(factor) * jitter)
    }
}
