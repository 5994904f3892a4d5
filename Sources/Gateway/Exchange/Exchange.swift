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

    func dropConnection() {
        self.serial &+= 1
        self.connection?.abandon()
        self.connection = nil
    }

    // MARK: Attempts

    func attempt(_ index: Int, others: Int, now: Instant) {
        guard let pool = self.pool else { return }
        let member = pool.members[index]
        let upstream = member.upstream
        let lane = upstream.lanes[self.plane.index]
        self.member = member
        self.memberIndex = index
        self.generation = upstream.gate.generation
        self.attemptAt = now
        self.isFresh = false
        self.machine.attemptBegan(others: others, now: now)
        lane.inFlight &+= 1
        lane.counts.requests &+= 1
        self.plane.list(lane, of: upstream)
        // A training run must not be sent twice, and only a fresh connection cannot be stale.
        while self.capability != .training, let connection = lane.takeIdle() {
            if connection.isUsable { return self.send(on: connection) }
        }
        self.connect(lane, upstream)
    }

    func attemptAgain(now: Instant) {
        self.plane.refresh()
        guard self.followSwitch() else { return self.strand(now: now) }
        guard let pool = self.pool else { return }
        let view = self.plane.view(of: pool)
        guard let picked = self.pickAnother(view, now: now) else {
            return self.run(self.machine.giveUp(), now: now)
        }
        guard let index = self.admitted(picked, view, pool, now: now) else {
            return self.waitForPermit(pool, view, now: now)
        }
        self.countRetry(at: pool.members[index])
        self.attempt(index, others: max(0, self.untried(view) - 1), now: now)
    }

    func countRetry(at member: RouteMember) {
        self.plane.counts.retries += 1
        member.upstream.lanes[self.plane.index].counts.retries += 1
    }

    func untried(_ view: PoolView) -> Int {
        view.picks.eligible.count { !self.tried.contains($0) }
    }

    func connect(_ lane: UpstreamLane, _ upstream: Upstream) {
        guard lane.hasRoom else { return self.failed(.crowded) }
        self.serial &+= 1
        let serial = self.serial
        self.isFresh = true
        lane.opening()
        self.plane.connector
            .connect(to: upstream.key.url, origin: upstream.origin, upstream: upstream, lane: lane, on: self.plane.loop)
            .whenComplete { result in
                self.connected(result, serial: serial, lane: lane)
            }
    }

    func connected(_ result: Result<UpstreamConnection, any Error>, serial: Int, lane: UpstreamLane) {
        let isWanted = serial == self.serial && self.isRunning
        switch result {
        case .success(let connection) where isWanted: self.send(on: connection)
        case .success(let connection): connection.park()
        case .failure(let error):
            lane.closed(nil)
            guard isWanted else { return }
            let failure = UpstreamConnector.failure(error)
            self.failed(UpstreamEnd(failure.kind, failure.detail))
        }
    }

    @inline(__always)
    func send(on connection: UpstreamConnection) {
        guard let member = self.member else { return }
        let line = self.capability == .prediction ? member.predictHead : self.otherHead(of: member)
        self.connection = connection
        connection.send(
            self.image.request(line, withCredentials: member.forwardsAuthorization),
            answersHead: false,
            to: self
        )
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

    // MARK: Keeping

    func keep(_ head: ResponseHead, _ headBytes: UnsafeRawBufferPointer, now: Instant) {
        guard let member = self.member else { return }
        var kept = KeptAnswer(head, headBytes: headBytes, member: member)
        kept.upstreamNanoseconds = (now - self.attemptAt).inNanoseconds
        self.kept = kept
    }

    func keep(_ bytes: ByteBuffer) {
        self.kept?.body.writeImmutableBuffer(bytes)
        guard let kept = self.kept, kept.body.readableBytes > KeptAnswer.bytesMax else { return }
        let now = MonotonicClock.now()
        self.machine.keptTooLong(silentMax: self.silentMax, now: now)
        self.kept = nil
        self.judge(kept.head, now: now)
        self.countAnswer(kept.head.status)
        kept.headBytes.withUnsafeReadableBytes { self.sink?.answerBegan(self, kept.head, headBytes: $0) }
        self.sink?.answerMoved(kept.body)
    }

    // MARK: Ends of attempts

    func attemptEnded(_ end: AttemptEnd, outcome: String, isJudged: Bool = false, now: Instant) {
        guard let member = self.member, let pool = self.pool else { return }
        if !isJudged, end != .crowded { self.blame(now: now) }
        let lane = member.upstream.lanes[self.plane.index]
        lane.counts.failures += 1
        if pool.strategy == .latency { lane.latency.observeFailure(after: now - self.attemptAt, now: now) }
        self.attemptsMade.append(
            Problem.Attempt(
                service: member.upstream.key.service,
                url: member.upstream.key.url,
                outcome: outcome,
                milliseconds: (now - self.attemptAt).inNanoseconds / 1_000_000
            )
        )
        self.releaseAttempt(now: now)
        self.tried.insert(self.memberIndex)
        self.plane.refresh()
        let untried = self.untried(self.plane.view(of: pool))
        let dice = self.plane.random.next()
        self.run(self.machine.ended(end, untried: untried, now: now, dice: dice), now: now)
    }

    func run(_ action: ExchangeMachine.NextAction, now: Instant) {
        switch action {
        case .attempt(let isPaid):
            if isPaid, !self.plane.mayRetry(now: now) { return self.run(self.machine.giveUp(), now: now) }
            self.attemptAgain(now: now)
        case .wait(_, let isPaid):
            if isPaid, !self.plane.mayRetry(now: now) { self.run(self.machine.giveUp(), now: now) }
        case .answerKept: self.answerKept()
        case .answerProblem(let code): self.answer(self.problem(code))
        }
    }

    func answerKept() {
        guard let kept = self.kept, let sink = self.sink else { return }
        self.member = kept.member
        self.upstreamNanoseconds = kept.upstreamNanoseconds
        self.countAnswer(kept.head.status)
        kept.headBytes.withUnsafeReadableBytes { headBytes in
            kept.body.withUnsafeReadableBytes { sink.answerWhole(self, kept.head, headBytes: headBytes, body: $0) }
        }
        self.finish()
    }

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
        self.image.rest()
    }

    var attemptIsHeld: Bool { self.attemptAt.nanoseconds != 0 }

    func releaseAttempt(now: Instant) {
        guard let member = self.member, self.attemptIsHeld else { return }
        self.attemptAt = Instant(nanoseconds: 0)
        self.plane.queue.departed(member.upstream.gauge.leave(), from: member.upstream)
        member.upstream.lanes[self.plane.index].inFlight &-= 1
    }

    func countAnswer(_ status: Int) {
        self.isFailure = status >= 500
        guard !self.options.isCopy else { return }
        self.plane.counts.answered(status: status)
        if status >= 500 { self.plane.counts.failures += 1 }
    }
}
