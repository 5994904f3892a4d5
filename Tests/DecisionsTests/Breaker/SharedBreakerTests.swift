import Decisions
import Registry
import Testing

@Suite struct `A breaker that a cluster shares` {
    private let start = Instant(nanoseconds: 1_000_000_000)
    private let wide = EjectionBound(poolSize: 1, ejected: 0)

    private func breaker(isInTouch: Bool = true) -> SharedBreaker {
        let policy = BreakerPolicy(failuresInRowMax: 3, cooldown: .seconds(10))
        var breaker = SharedBreaker(policy: policy, seed: 1)
        breaker.setInTouch(isInTouch)
        return breaker
    }

    private func at(_ seconds: Double) -> Instant { self.start + .seconds(seconds) }

    private func decision(_ phase: BreakerPhase, version: Int64, generation: Int = 1, retryAt: Double = 10)
        -> SharedBreaker.Decision
    {
        var decision = SharedBreaker.Decision(phase: phase, version: version, generation: generation, trips: 1)
        decision.openedAt = self.start
        decision.retryAt = self.at(retryAt)
        return decision
    }

    private func fail(_ breaker: inout SharedBreaker, _ count: Int, at now: Instant) {
        for _ in 0..<count {
            _ = breaker.record(.failure(generation: breaker.generation), bound: self.wide, now: now)
        }
    }

    @Test func `tells each outcome once, in the cluster's generation`() {
        var breaker = self.breaker()
        _ = breaker.decide(self.decision(.open, version: 1, generation: 7), now: self.start)
        _ = breaker.decide(self.decision(.closed, version: 2, generation: 7), now: self.start)
        _ = breaker.record(.success(generation: breaker.generation), bound: self.wide, now: self.start)
        self.fail(&breaker, 2, at: self.start)
        #expect(
            breaker.takeUntold() == OutcomeReport(generation: 7, successes: 1, failures: 2, trailingFailures: 2)
        )
        #expect(breaker.takeUntold() == nil)
    }

    @Test func `tells nothing of requests admitted before a trip, its own or the cluster's`() {
        var breaker = self.breaker()
        let before = breaker.generation
        _ = breaker.decide(self.decision(.open, version: 1), now: self.start)
        _ = breaker.record(.failure(generation: before), bound: self.wide, now: self.start)
        _ = breaker.decide(self.decision(.closed, version: 2), now: self.start)
        _ = breaker.record(.failure(generation: before), bound: self.wide, now: self.start)
        #expect(breaker.takeUntold() == nil)
        #expect(breaker.own.failuresInRow == 0)
    }

    @Test func `follows the cluster, and no older word of it`() {
        var breaker = self.breaker()
        #expect(breaker.decide(self.decision(.open, version: 5), now: self.start) == true)
        #expect(breaker.phase == .open)
        #expect(breaker.own.movesOnAt == self.at(10))
        #expect(breaker.decide(self.decision(.closed, version: 4), now: self.start) == false)
        #expect(breaker.phase == .open)
        #expect(breaker.decide(self.decision(.closed, version: 6), now: self.start) == true)
        #expect(breaker.phase == .closed)
    }

    @Test func `sends a probe with a permit of the cluster only, and asks for one when the time has come`() {
        var breaker = self.breaker()
        _ = breaker.decide(self.decision(.open, version: 1), now: self.start)
        #expect(breaker.wish(now: self.at(9)) == nil)
        #expect(breaker.moveOn(now: self.at(10)) == .halfOpened)
        #expect(breaker.admitProbe(until: self.at(40), now: self.at(10)) == nil)
        #expect(breaker.wish(now: self.at(10)) == .init(number: 1, isUrgent: true))
        #expect(breaker.wish(now: self.at(10)) == nil, "one question at a time")
        breaker.answered(1, .granted, now: self.at(10))
        let probe = breaker.admitProbe(until: self.at(40), now: self.at(11))
        #expect(probe != nil)
        #expect(breaker.admitProbe(until: self.at(40), now: self.at(11)) == nil)
        guard let probe else { return }
        #expect(breaker.probeEnded(probe, .success, now: self.at(12)) == .nothing)
        #expect(breaker.phase == .halfOpen, "the cluster decides")
        #expect(breaker.takeEnded() == [.init(number: 1, outcome: .success)])
        #expect(breaker.takeEnded() == [])
    }

    @Test func `asks again for a permit that others hold only while a request wants it`() {
        var breaker = self.breaker()
        _ = breaker.decide(self.decision(.halfOpen, version: 1), now: self.start)
        #expect(breaker.wish(now: self.start) == .init(number: 1, isUrgent: false))
        breaker.answered(1, .taken, now: self.start)
        #expect(breaker.wish(now: self.at(5)) == nil)
        _ = breaker.admitProbe(until: self.at(40), now: self.at(5))
        #expect(breaker.wish(now: self.at(5)) == .init(number: 2, isUrgent: true))
        breaker.answered(2, .taken, now: self.at(5))
        #expect(breaker.wish(now: self.at(5.2)) == nil)
        #expect(breaker.wish(now: self.at(5.3)) != nil)
        breaker.answered(3, .taken, now: self.at(5.3))
        breaker.permitFreed()
        #expect(breaker.wish(now: self.at(5.3)) != nil)
    }

    @Test func `hands back a permit that others want, that got old, or whose grant is uncertain`() {
        for cause in 0..<3 {
            var breaker = self.breaker()
            _ = breaker.decide(self.decision(.halfOpen, version: 1), now: self.start)
            _ = breaker.wish(now: self.start)
            breaker.answered(1, cause == 2 ? .unknown : .granted, now: self.start)
            switch cause {
            case 0: breaker.othersWant()
            case 1: _ = breaker.moveOn(now: self.start + SharedBreaker.handMax)
            default: break
            }
            #expect(breaker.takeEnded() == [.init(number: 1, outcome: .neutral)], "cause \(cause)")
            #expect(breaker.admitProbe(until: self.at(60), now: self.at(11)) == nil)
        }
    }

    @Test func `calls a probe failed that did not end by its deadline`() {
        var breaker = self.breaker()
        _ = breaker.decide(self.decision(.halfOpen, version: 1), now: self.start)
        _ = breaker.wish(now: self.start)
        breaker.answered(1, .granted, now: self.start)
        _ = breaker.admitProbe(until: self.at(3), now: self.start)
        _ = breaker.moveOn(now: self.at(3))
        #expect(breaker.takeEnded() == [.init(number: 1, outcome: .failure)])
    }

    @Test func `avoids by itself what only it cannot reach, and probes that without the cluster`() {
        var breaker = self.breaker()
        self.fail(&breaker, 3, at: self.start)
        #expect(breaker.phase == .open)
        #expect(breaker.isOutAlone)
        #expect(breaker.takeUntold()?.failures == 3, "the cluster hears of it all the same")
        #expect(breaker.moveOn(now: self.at(20)) == .halfOpened)
        #expect(breaker.wish(now: self.at(20)) == nil)
        guard let probe = breaker.admitProbe(until: self.at(40), now: self.at(20)) else {
            Issue.record("no probe")
            return
        }
        #expect(breaker.probeEnded(probe, .success, now: self.at(21)) == .reset)
        #expect(breaker.takeUntold()?.successes == 1)
    }

    @Test func `lets the bound of the pool bring back only what it took out alone`() {
        var alone = self.breaker()
        self.fail(&alone, 3, at: self.start)
        alone.yield(now: self.start)
        #expect(alone.phase == .closed)
        var shared = self.breaker()
        _ = shared.decide(self.decision(.open, version: 1), now: self.start)
        shared.yield(now: self.start)
        #expect(shared.phase == .open)
    }

    @Test func `goes on alone from what it heard last`() {
        var breaker = self.breaker()
        _ = breaker.decide(self.decision(.open, version: 1), now: self.start)
        breaker.setInTouch(false)
        #expect(breaker.phase == .open)
        #expect(breaker.moveOn(now: self.at(10)) == .halfOpened)
        guard let probe = breaker.admitProbe(until: self.at(40), now: self.at(10)) else {
            Issue.record("no probe")
            return
        }
        #expect(breaker.admitProbe(until: self.at(40), now: self.at(10)) == nil, "as many as are allowed at all")
        #expect(breaker.probeEnded(probe, .success, now: self.at(11)) == .reset)
        #expect(breaker.phase == .closed)
    }

    @Test func `tells the cluster afterwards that it found the instance well`() {
        var breaker = self.breaker()
        _ = breaker.decide(self.decision(.open, version: 1), now: self.start)
        breaker.setInTouch(false)
        _ = breaker.moveOn(now: self.at(10))
        if let probe = breaker.admitProbe(until: self.at(40), now: self.at(10)) {
            _ = breaker.probeEnded(probe, .success, now: self.at(11))
        }
        breaker.setInTouch(true)
        #expect(breaker.phase == .closed, "it does not go back")
        #expect(breaker.wish(now: self.at(12)) == .init(number: 1, isUrgent: false))
        breaker.answered(1, .open(retryAt: self.at(14)), now: self.at(12))
        #expect(breaker.phase == .closed)
        #expect(breaker.wish(now: self.at(13)) == nil)
        #expect(breaker.wish(now: self.at(14)) != nil)
        breaker.answered(2, .granted, now: self.at(14))
        #expect(breaker.takeEnded() == [.init(number: 2, outcome: .success)])
    }

    @Test func `closes when Redis has forgotten the trip, and counts in the generation that Redis has now`() {
        var breaker = self.breaker()
        _ = breaker.decide(self.decision(.open, version: 9, generation: 4), now: self.start)
        _ = breaker.moveOn(now: self.at(10))
        _ = breaker.wish(now: self.at(10))
        breaker.answered(1, .closed(generation: 0), now: self.at(10))
        #expect(breaker.phase == .closed)
        self.fail(&breaker, 1, at: self.at(10))
        #expect(breaker.takeUntold()?.generation == 0)
    }

    @Test func `goes on with a probe that was out when the cluster got lost`() {
        for outcome in [BreakerMachine.ProbeOutcome.success, .failure, .neutral] {
            var breaker = self.breaker()
            _ = breaker.decide(self.decision(.halfOpen, version: 1), now: self.start)
            _ = breaker.wish(now: self.start)
            breaker.answered(1, .granted, now: self.start)
            guard let probe = breaker.admitProbe(until: self.at(40), now: self.start) else {
                Issue.record("no probe")
                return
            }
            breaker.setInTouch(false)
            _ = breaker.probeEnded(probe, outcome, now: self.at(1))
            let phase: BreakerPhase = outcome == .success ? .closed : outcome == .failure ? .open : .halfOpen
            #expect(breaker.phase == phase)
            breaker.setInTouch(true)
            #expect(breaker.takeEnded() == [.init(number: 1, outcome: outcome)], "the cluster hears of it late")
        }
    }
}
