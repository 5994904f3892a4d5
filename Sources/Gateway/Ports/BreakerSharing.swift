public import Decisions
public import Registry

/// Outcomes of requests at one instance, to be told to the cluster.
public struct PoolOutcomes: Hashable, Sendable {
    public let key: InstanceKey
    /// The pool that bounds the instance's ejection, and its size.
    public let pool: String
    public let poolSize: Int
    public let report: OutcomeReport

    public init(key: InstanceKey, pool: String, poolSize: Int, report: OutcomeReport) {
        self.key = key
        self.pool = pool
        self.poolSize = poolSize
        self.report = report
    }
}

/// A probe of the cluster that ended here.
public struct EndedPermit: Hashable, Sendable {
    public let key: InstanceKey
    public let number: Int
    public let outcome: BreakerMachine.ProbeOutcome
}

/// A permit for a probe that this replica wants of the cluster.
public struct PermitWish: Hashable, Sendable {
    public let key: InstanceKey
    public let wish: SharedBreaker.Wish
}

/// What a breaker has to do with the cluster: outcomes and probes go up, decisions come down. Never on the request path.
extension DataPlane {
    /// Called, on event loops and under no lock, when something should be told at once; must not wait.
    public func onBreakerErrand(_ ring: @escaping @Sendable () -> Void) {
        self.board.setBell(ring)
    }

    /// Whether the cluster can be reached; until told so, this replica decides alone.
    public func setBreakersInTouch(_ isInTouch: Bool) {
        self.board.setInTouch(isInTouch, now: MonotonicClock.now())
    }

    /// What became of requests since the last time, of each instance at most once.
    public func takeOutcomes() -> [PoolOutcomes] { self.board.takeOutcomes() }

    public func takeEndedPermits() -> [EndedPermit] { self.board.takeEndedPermits() }

    public func permitWishes() -> [PermitWish] { self.board.permitWishes(now: MonotonicClock.now()) }

    public func answered(_ wish: PermitWish, _ answer: SharedBreaker.WishAnswer) {
        self.board.change(wish.key, now: MonotonicClock.now()) {
            $0.answered(wish.wish.number, answer, now: $1)
        }
    }

    /// The cluster has decided; older decisions than the last one change nothing.
    public func decide(_ decision: SharedBreaker.Decision, for key: InstanceKey) {
        self.board.decide(decision, for: key, now: MonotonicClock.now())
    }

    public func heardGeneration(_ generation: Int, of key: InstanceKey) {
        self.board.change(key, now: MonotonicClock.now()) { breaker, _ in breaker.heardGeneration(generation) }
    }

    /// Another replica wants a permit of this instance that may be unused here.
    public func othersWantPermit(of instance: String) {
        self.board.change(described: instance, now: MonotonicClock.now()) { breaker, _ in breaker.othersWant() }
    }

    /// A permit of this instance was given back.
    public func permitFreed(of instance: String) {
        self.board.change(described: instance, now: MonotonicClock.now()) { breaker, _ in breaker.permitFreed() }
    }
}
