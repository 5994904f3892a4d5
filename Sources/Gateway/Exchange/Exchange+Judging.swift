internal import Decisions
internal import Registry

/// What the exchange's attempts say about the instances that were asked, and to whom it is told.
extension Exchange {
    /// An answer's head has arrived: what it says about the instance, and how long it took.
    func judge(_ head: ResponseHead, now: Instant) {
        guard let member = self.member else { return }
        let lane = member.upstream.lanes[self.plane.index]
        let took = now.nanoseconds &- self.attemptAt.nanoseconds
        self.upstreamNanoseconds = took
        lane.counts.latency.add(nanoseconds: took)
        self.plane.counts.overhead.add(nanoseconds: now.nanoseconds &- self.startedAt.nanoseconds &- took)
        if self.pool?.strategy == .latency { lane.latency.observe(.nanoseconds(took), now: now) }
        switch AnswerJudgement(status: head.status, hasRetryAfter: head.hasRetryAfter) {
        case .good(let closesBreaker):
            if self.probe != nil { self.endProbe(closesBreaker ? .success : .neutral, now: now) }
            self.countGoodAnswer(lane)
            if !self.suspects.isEmpty { self.resolveSuspects(areGuilty: true, now: now) }
        case .busy: self.endProbe(.neutral, now: now)
        case .bad: self.blame(now: now)
        case .suspect:
            self.suspects.append(Suspect(member: member, generation: self.generation, probe: self.probe))
            self.probe = nil
        }
    }

    @inline(__always)
    func countGoodAnswer(_ lane: UpstreamLane) {
        if lane.goodGeneration != self.generation {
            lane.goodGeneration = self.generation
            lane.goodAnswers = 0
        }
        lane.goodAnswers &+= 1
    }

    /// The present attempt failed, and the instance is to blame.
    func blame(now: Instant) {
        guard let member = self.member else { return }
        if self.probe != nil { return self.endProbe(.failure, now: now) }
        self.report(member, generation: self.generation, now: now)
    }

    func report(_ member: RouteMember, generation: Int, now: Instant) {
        self.plane.flushGoodAnswers(member.upstream.lanes[self.plane.index], of: member.upstream, now: now)
        self.plane.board.record(.failure(generation: generation), of: member.upstream, now: now)
    }

    func endProbe(_ outcome: BreakerMachine.ProbeOutcome, now: Instant) {
        guard let probe = self.probe, let member = self.member else { return }
        self.probe = nil
        self.plane.board.probeEnded(probe, outcome, of: member.upstream, now: now)
    }

    /// Another instance has answered the same request well, or none ever did.
    func resolveSuspects(areGuilty: Bool, now: Instant) {
        let suspects = self.suspects
        self.suspects.removeAll(keepingCapacity: true)
        for suspect in suspects {
            if let probe = suspect.probe {
                self.plane.board.probeEnded(
                    probe,
                    areGuilty ? .failure : .neutral,
                    of: suspect.member.upstream,
                    now: now
                )
            } else if areGuilty, suspect.member !== self.member {
                self.report(suspect.member, generation: suspect.generation, now: now)
            }
        }
    }
}
