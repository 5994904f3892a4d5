public import ClusterState
internal import Decisions
internal import Gateway
public import Logging
public import Registry
public import ServiceLifecycle
internal import Synchronization

/// Carries what requests found out to the cluster's breakers, and the cluster's decisions back to this replica.
///
/// It turns every 200 to 300 ms (100 while failures are fresh), and at once when a request failed, when a breaker moved
/// somewhere, or when a request waits for a probe. A turn tells ended probes first (a success closes the breaker), then
/// outcomes as `OutcomePace` has it, then reads what moved, then asks for probes. The request path never waits for any of
/// it.
/// The hard case is a Redis that comes and goes: a turn that fails puts this replica's breakers on their own; the next
/// reading that succeeds puts them under the cluster again. What was not told by then is not told any more.
public final class BreakerReporter: ServiceLifecycle.Service {
    private struct Inner {
        /// Up to here all moves are known.
        var version: Int64 = 0
        var readAt: Instant?
        var hasNews = true
        /// Left the registry, and may still have a breaker in Redis.
        var gone: Set<InstanceKey> = []
        var followed = RegistrySnapshot.empty
        var known: Set<InstanceKey> = []
        var early = EarlyDecisions()
        /// Probes that ended and of which the cluster does not know yet, the oldest first; at most `unsaidMax`.
        var unsaid: [(probe: ProbeName, end: ToldProbeEnd)] = []
        var isInTouch = false
        var pace = OutcomePace()
    }

    private let port: any BreakerPort
    private let state: ClusterState
    private let membership: Membership
    private let rules: BreakerRules
    private let probeMax: Duration
    private let time: LoopTime
    private let logger: Logger
    private let inner = Mutex(Inner())
    private let bell = Bell()
    /// The data plane rang since outcomes were told.
    private let isRung = Atomic(false)

    /// Moves of which no signal was heard are read after this time. In a replica such a wait ends with a tenth of a second
    /// (`WakeGrid`): a little less than 200 ms, it lasts 200 ms after a turn of less than 10 ms, and never 300.
    public static let readInterval: Duration = .milliseconds(190)
    /// Out of touch, it is tried again after this time.
    public static let retryInterval: Duration = .milliseconds(190)
    public static let unsaidMax = 256
    /// A permit unused in hand, and its way.
    private static let probeMargin = SharedBreaker.handMax + .seconds(5)

    /// `probeMax` is the longest that a request may take: after it, and some, a permit that nobody ended is overdue.
    public init(
        port: any BreakerPort,
        state: ClusterState,
        membership: Membership,
        signals: SignalListener,
        rules: BreakerRules,
        probeMax: Duration,
        time: LoopTime = .system,
        logger: Logger
    ) {
        self.port = port
        self.state = state
        self.membership = membership
        self.rules = rules
        self.probeMax = probeMax
        self.time = time
        self.logger = logger
        signals.onSignal { [weak self] in self?.hear($0) }
        port.onBreakerErrand { [weak self] in
            self?.isRung.store(true, ordering: .releasing)
            self?.bell.ring()
        }
    }

    /// Breakers of instances that leave the registry are forgotten everywhere.
    public func apply(_ snapshot: RegistrySnapshot) {
        let due = self.inner.withLock { inner in
            let difference = SnapshotDifference(from: inner.followed, to: snapshot)
            inner.followed = snapshot
            let (before, after) = (difference.before.flatMap(\.instances), difference.after.flatMap(\.instances))
            inner.gone = inner.gone.union(before).subtracting(after)
            inner.known.subtract(before)
            inner.known.formUnion(after)
            return inner.early.take(inner.known)
        }
        for (key, decision) in due { self.port.decide(decision, for: key) }
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await self.turn()
                await self.bell.wait(atMost: self.pause, self.time)
            }
        }
    }

    private var pause: Duration {
        let now = self.time.now()
        return self.inner.withLock { $0.pace.isWatching(now: now) } ? OutcomePace.watched : Self.readInterval
    }

    /// One turn; public for tests.
    public func turn() async {
        do throws(StateError) {
            try await self.endPermits()
            try await self.reportOutcomes()
            try await self.readMoves()
            try await self.askForPermits()
            try await self.forget()
        } catch {
            self.lost(error)
        }
    }

    /// The next reading, which would bring the cluster back, comes after `retryInterval`.
    private func lost(_ error: StateError) {
        let now = self.time.now()
        let wasInTouch = self.inner.withLock { inner in
            defer { (inner.isInTouch, inner.hasNews, inner.readAt) = (false, false, now) }
            return inner.isInTouch
        }
        self.port.setBreakersInTouch(false)
        if wasInTouch { self.logger.info("breakers are on their own", metadata: ["mm.error": "\(error)"]) }
    }

    private func found() {
        let wasInTouch = self.inner.withLock { inner in
            defer { inner.isInTouch = true }
            return inner.isInTouch
        }
        self.port.setBreakersInTouch(true)
        if !wasInTouch { self.logger.info("breakers are shared") }
    }

    private func endPermits() async throws(StateError) {
        let ended = self.port.takeEndedPermits()
        if let session = self.membership.session?.name, !ended.isEmpty {
            self.inner.withLock { inner in
                inner.unsaid += ended.map {
                    let probe = ProbeName(instance: $0.key, session: session, number: $0.number)
                    return (probe, ToldProbeEnd($0.outcome))
                }
                inner.unsaid.removeFirst(max(0, inner.unsaid.count - Self.unsaidMax))
            }
        }
        while let (probe, end) = self.inner.withLock({ $0.unsaid.first }) {
            try await self.state.endProbe(probe, end, policy: self.rules)
            self.inner.withLock { inner in
                inner.unsaid.removeFirst()
                inner.hasNews = true
            }
        }
    }

    private func reportOutcomes() async throws(StateError) {
        let isRung = self.isRung.exchange(false, ordering: .acquiring)
        let now = self.time.now()
        guard self.inner.withLock({ $0.pace.isDue(now: now, isUrgent: isRung) }) else { return }
        let all = self.port.takeOutcomes()
        for start in stride(from: 0, to: all.count, by: ClusterState.outcomesMax) {
            let batch = all[start..<min(all.count, start + ClusterState.outcomesMax)].map { ToldOutcomes($0) }
            let receipt = try await self.state.reportOutcomes(batch, policy: self.rules)
            for (told, reply) in zip(batch, receipt.replies) where reply.generation != told.generation {
                if reply.status == .late { self.port.heardGeneration(reply.generation, of: told.instance) }
            }
            let isWatched = receipt.replies.contains { $0.status == .watched }
            self.inner.withLock { inner in
                inner.hasNews = inner.hasNews || receipt.newest != inner.version
                if isWatched { inner.pace.watch(now: now) }
            }
        }
    }

    /// Reads to the end when something moved, and now and then when nothing is known to have.
    private func readMoves() async throws(StateError) {
        let now = self.time.now()
        let isDue = self.inner.withLock { inner in
            let interval = inner.isInTouch ? Self.readInterval : Self.retryInterval
            let isDue = inner.hasNews || inner.readAt.map { now - $0 >= interval } ?? true
            if isDue { (inner.hasNews, inner.readAt) = (false, now) }
            return isDue
        }
        guard isDue else { return }
        var since = self.inner.withLock { $0.version }
        while true {
            let reading = try await self.state.breakers(since: since)
            if reading.newest < since {
                // Redis lost what it had: all that it has now is news.
                since = 0
                continue
            }
            for sight in reading.moved { self.decide(sight) }
            guard let last = reading.moved.last, last.version < reading.newest else {
                since = reading.newest
                break
            }
            since = last.version
        }
        self.inner.withLock { $0.version = since }
        self.found()
    }

    private func decide(_ sight: BreakerSight) {
        // The reading is some time old by now; better a probe asked for late than one refused.
        let now = self.time.now()
        var decision = SharedBreaker.Decision(
            phase: sight.phase,
            version: sight.version,
            generation: sight.generation,
            trips: sight.trips
        )
        decision.openedAt = now + (.zero - sight.openedAgo)
        decision.retryAt = now + sight.retryIn
        let last = decision
        self.inner.withLock { inner in
            if !inner.known.contains(sight.instance) { inner.early.keep(last, for: sight.instance) }
        }
        self.port.decide(decision, for: sight.instance)
    }

    private func askForPermits() async throws(StateError) {
        guard let session = self.membership.session, session.isTrusted else { return }
        for wish in self.port.permitWishes() {
            let probe = ProbeName(instance: wish.key, session: session.name, number: wish.wish.number)
            let reply: ProbeReply
            do throws(StateError) {
                reply = try await self.state.askForProbe(
                    probe,
                    policy: self.rules,
                    ttl: self.probeMax + Self.probeMargin,
                    waits: wish.wish.isUrgent
                )
            } catch {
                self.port.answered(wish, .unknown)
                throw error
            }
            self.answer(wish, reply, session: session.name)
        }
    }

    private func answer(_ wish: PermitWish, _ reply: ProbeReply, session: String) {
        switch reply {
        case .granted: self.port.answered(wish, .granted)
        case .taken: self.port.answered(wish, .taken)
        case .open(let wait): self.port.answered(wish, .open(retryAt: self.time.now() + wait))
        case .closed(let generation): self.port.answered(wish, .closed(generation: generation))
        case .lapsed:
            self.port.answered(wish, .taken)
            self.membership.heardLapsed(session)
        }
    }

    private func forget() async throws(StateError) {
        let gone = self.inner.withLock { $0.gone }
        try await self.state.forgetBreakers(of: Array(gone))
        try await self.state.forgetHealth(of: Array(gone))
        self.inner.withLock { $0.gone.subtract(gone) }
    }

    private func hear(_ signal: ClusterSignal) {
        switch signal {
        case .breakerMoved(_, let version):
            let isNews = self.inner.withLock { inner in
                if version != inner.version { inner.hasNews = true }
                return inner.hasNews
            }
            if isNews { self.bell.ring() }
        case .wantsProbe(let instance, let session):
            if session != self.membership.session?.name { self.port.othersWantPermit(of: instance) }
        case .freedProbe(let instance, _):
            self.port.permitFreed(of: instance)
        default: break
        }
    }
}

extension ToldOutcomes {
    init(_ outcomes: PoolOutcomes) {
        self.init(
            instance: outcomes.key,
            pool: outcomes.pool,
            poolSize: outcomes.poolSize,
            generation: outcomes.report.generation,
            successes: outcomes.report.successes,
            failures: outcomes.report.failures,
            trailingFailures: outcomes.report.trailingFailures
        )
    }
}

extension ToldProbeEnd {
    init(_ outcome: BreakerMachine.ProbeOutcome) {
        switch outcome {
        case .success: self = .success
        case .failure: self = .failure
        case .neutral: self = .neutral
        }
    }
}
