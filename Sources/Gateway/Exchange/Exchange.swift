internal import Decisions
internal import NIOCore
internal import Registry

/// Carries one request to an answer: picks instances, sends, listens, fails over. The shell of `ExchangeMachine`.
///
/// Both doors use it. One object per client connection, used again for each of its requests, so that a request
/// allocates nothing here. Confined to its event loop (`@unchecked Sendable`).
final class Exchange: AnswerReceiver, @unchecked Sendable {
    /// An instance that answered 500 or 503: blamed only when another one then answers the same request.
    struct Suspect {
        let member: RouteMember
        let generation: Int
        let probe: BreakerMachine.Probe?
    }

    let plane: LoopPlane
    var image = RequestImage()
    var options = ExchangeOptions()
    /// Place in the loop's list of running exchanges; -1 when it is in none.
    var place = -1

    var sink: AnswerSink?
    var machine = ExchangeMachine(
        policy: ExchangePolicy(deadline: Instant(nanoseconds: 0), retriesMax: 0, retryDelay: .zero)
    )
    var pool: RoutePool?
    /// The loop's `tableSerial` when the pool was found.
    var plannedBy = 0
    var capability = RoutePool.Capability.prediction
    /// What was asked for, when the body does not say it in the words of `/predict`.
    var order: InferenceOrder?
    /// Whether a native body names another version than `latest`; set by whoever plans one.
    var namesVersion = false
    /// The image is still needed when the request has ended; who says so takes it.
    var keepsImage = false
    var tried = TriedMembers()
    var suspects: [Suspect] = []
    var attemptsMade: [Problem.Attempt] = []
    /// Why the last attempt that failed without an answer did; for the caller of a failed exchange.
    var lastFailure: String?
    var kept: KeptAnswer?
    var startedAt = Instant(nanoseconds: 0)
    var silentMax = Duration.zero
    /// Where the request is counted; nil when none runs.
    var metered: VersionLane?
    /// Nil until it was answered; cancelled requests are not.
    var isFailure: Bool?
    /// The manager's name for an error that an instance told in words of its own.
    var errorCode: Problem.Code?

    // The present attempt.
    var member: RouteMember?
    var upstreamNanoseconds: Int64 = 0
    var memberIndex = 0
    var connection: UpstreamConnection?
    /// Names the attempt; a connection that comes about later than its attempt finds another number here.
    var serial = 0
    var attemptAt = Instant(nanoseconds: 0)
    var generation = 0
    var probe: BreakerMachine.Probe?
    var isFresh = false
    var isPaused = false
    var answerStatus = 0

    // While only permits lack.
    /// Place in the loops' common queue; 0 when it is in none.
    var queueNumber = 0
    /// Whose line; a switch may have moved the request to another pool since.
    var queuedIn: RoutePool.Key?
    var queuedAt: Instant?
    var queuedFor: [Upstream] = []

    init(plane: LoopPlane) {
        self.plane = plane
    }

    @inline(__always)
    var wakeAt: Instant { self.machine.wakeAt }
    var attempts: Int { self.machine.attempts }
    var isRunning: Bool { self.place >= 0 }

    // MARK: From the door

    /// The image is complete; the answer goes to `sink`.
    func begin(_ pool: RoutePool, sink: AnswerSink, now: Instant) {
        self.sink = sink
        self.pool = pool
        self.plannedBy = self.plane.tableSerial
        self.capability = pool.key.capability
        self.startedAt = now
        if !self.tried.indexes.isEmpty { self.tried = TriedMembers() }
        self.plane.began(self)
        self.meter(in: pool)
        let view = self.plane.view(of: pool)
        if view.isPanic { self.plane.counts.panics += 1 }
        guard let picked = self.pickFirst(view, now: now) else {
            return self.answer(self.nobody(pool, view, now: now))
        }
        self.machine = ExchangeMachine(policy: self.policy(for: pool.members[picked], now: now))
        guard let index = self.admitted(picked, view, pool, now: now) else {
            return self.waitForPermit(pool, view, now: now)
        }
        self.attempt(index, others: view.picks.eligible.count &- 1, now: now)
    }

    /// The caller has left: what runs is cancelled, nothing more is told.
    func cancel() {
        guard self.isRunning else { return }
        self.serial &+= 1
        self.connection?.abandon()
        self.endProbe(.neutral, now: MonotonicClock.now())
        self.sink?.exchangeCancelled()
        self.clear()
    }

    /// The caller takes more of the answer.
    func callerIsReady() {
        guard self.isPaused else { return }
        self.isPaused = false
        self.machine.moved(silentMax: self.silentMax, now: MonotonicClock.now())
        self.connection?.setPaused(false)
    }

    // MARK: From the sweep

    /// What the machine waited for has not come.
    func wake(now: Instant) {
        switch self.machine.state {
        case .planned, .ended: break
        case .waiting:
            self.tried = TriedMembers()
            self.attemptAgain(now: now)
        case .queued: self.queueTimedOut(now: now)
        case .attempting, .keeping:
            self.dropConnection()
            self.attemptEnded(.timeout, outcome: "timeout", now: now)
        case .answering:
            self.dropConnection()
            if !self.isPaused { self.blame(now: now) }
            self.breakOff()
        }
    }

    // MARK: From the connection

    override func receivedWhole(_ head: ResponseHead, headBytes: UnsafeRawBufferPointer, body: UnsafeRawBufferPointer) {
        let now = MonotonicClock.now()
        self.connection = nil
        if self.machine.answered(status: head.status, silentMax: self.silentMax, now: now) == .keep {
            self.keep(head, headBytes, now: now)
            self.kept?.body.writeBytes(body)
            return self.receivedEnd()
        }
        self.judge(head, now: now)
        guard let sink = self.sink else { return }
        self.countAnswer(head.status)
        sink.answerWhole(self, head, headBytes: headBytes, body: body)
        self.finish()
    }

    override func receivedHead(_ head: ResponseHead, headBytes: UnsafeRawBufferPointer) {
        let now = MonotonicClock.now()
        guard self.machine.answered(status: head.status, silentMax: self.silentMax, now: now) == .pass else {
            return self.keep(head, headBytes, now: now)
        }
        self.judge(head, now: now)
        self.countAnswer(head.status)
        self.sink?.answerBegan(self, head, headBytes: headBytes)
    }

    override func receivedBody(_ bytes: ByteBuffer) {
        if self.kept != nil, case .keeping = self.machine.state { return self.keep(bytes) }
        self.machine.moved(silentMax: self.silentMax, now: MonotonicClock.now())
        self.sink?.answerMoved(bytes)
    }

    override func receivedPause() {
        guard case .answering = self.machine.state, let sink = self.sink else { return }
        sink.answerPaused()
        guard !sink.takesMore, !self.isPaused, let connection = self.connection else { return }
        self.isPaused = true
        self.machine.moved(silentMax: self.plane.settings.idleTimeout, now: MonotonicClock.now())
        connection.setPaused(true)
    }

    override func receivedEnd() {
        self.connection = nil
        if let kept = self.kept, case .keeping = self.machine.state {
            let now = MonotonicClock.now()
            self.judge(kept.head, now: now)
            return self.attemptEnded(
                .status(kept.head.status),
                outcome: "status_\(kept.head.status)",
                isJudged: true,
                now: now
            )
        }
        self.sink?.answerEnded()
        self.finish()
    }

    override func failed(_ end: UpstreamEnd) {
        self.connection = nil
        let now = MonotonicClock.now()
        if case .answering = self.machine.state {
            self.blame(now: now)
            return self.breakOff()
        }
        if end.isStale, !self.isFresh, let member = self.member {
            return self.connect(member.upstream.lanes[self.plane.index], member.upstream)
        }
        self.lastFailure = end.detail
        self.attemptEnded(end.asAttemptEnd, outcome: end.name, now: now)
    }

    // MARK: The end

    func answer(_ problem: Problem) {
        self.countAnswer(problem.code.status)
        if !self.options.isCopy { self.plane.counts.problems[problem.code, default: 0] += 1 }
        self.sink?.answerProblem(self, problem)
        self.finish()
    }

    func breakOff() {
        if !self.options.isCopy { self.plane.counts.failures += 1 }
        self.isFailure = true
        self.sink?.answerBroke()
        self.finish()
    }

    func finish() {
        let sink = self.sink
        self.clear()
        sink?.exchangeEnded()
    }

    func clear() {
        if self.member != nil, self.attemptIsHeld { self.releaseAttempt(now: self.attemptAt) }
        if !self.suspects.isEmpty { self.resolveSuspects(areGuilty: false, now: MonotonicClock.now()) }
        if !self.attemptsMade.isEmpty {
            self.attemptsMade.removeAll(keepingCapacity: true)
            self.lastFailure = nil
        }
        self.forgetQueue()
        self.machine.finished()
        self.endMetering()
        self.plane.ended(self)
        self.sink = nil
        self.pool = nil
        self.member = nil
        self.connection = nil
        if self.order != nil { self.order = nil }
        if self.kept != nil { self.kept = nil }
        if self.errorCode != nil { self.errorCode = nil }
        self.isPaused = false
        if !self.keepsImage { self.image.rest() }
    }

    func countAnswer(_ status: Int) {
        self.isFailure = status >= 500
        guard !self.options.isCopy else { return }
        self.plane.counts.answered(status: status)
        if status >= 500 { self.plane.counts.failures += 1 }
    }
}
