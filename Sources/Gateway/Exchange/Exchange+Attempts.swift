internal import Decisions
internal import NIOCore
internal import Registry

/// One try at one instance after another: from the pick to the connection, and from a try's end to what follows it.
extension Exchange {
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

    func dropConnection() {
        self.serial &+= 1
        self.connection?.abandon()
        self.connection = nil
    }

    // MARK: Its end

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

    var attemptIsHeld: Bool { self.attemptAt.nanoseconds != 0 }

    func releaseAttempt(now: Instant) {
        guard let member = self.member, self.attemptIsHeld else { return }
        self.attemptAt = Instant(nanoseconds: 0)
        self.plane.queue.departed(member.upstream.gauge.leave(), from: member.upstream)
        member.upstream.lanes[self.plane.index].inFlight &-= 1
    }
}
