internal import Decisions
internal import Registry
internal import Synchronization

/// What requests found out about instances, and what their breakers make of it.
extension GateBoard {
    /// Good news: no trip can follow, so neither the rest of the pool nor the lock matters.
    func recordGood(_ answers: Int, generation: Int, of upstream: Upstream, now: Instant) {
        let report = OutcomeReport(generation: generation, successes: answers, failures: 0, trailingFailures: 0)
        let bound = EjectionBound(poolSize: 1, ejected: 0)
        let isNews = upstream.gate.withBreaker { breaker in
            let hadUntold = breaker.hasUntold
            _ = breaker.record(report, bound: bound, now: now)
            return breaker.hasUntold && !hadUntold
        }
        if isNews { self.noteUntold(upstream) }
    }

    func record(_ report: OutcomeReport, of upstream: Upstream, now: Instant) {
        let (tripped, isNews) = self.watched.withLock { watched in
            let bound = self.bound(of: upstream)
            let (action, isNews) = upstream.gate.withBreaker { breaker in
                let hadUntold = breaker.hasUntold
                return (breaker.record(report, bound: bound, now: now), breaker.hasUntold && !hadUntold)
            }
            guard case .trip = action else { return (false, isNews) }
            if !watched.contains(where: { $0 === upstream }) { watched.append(upstream) }
            return (true, isNews)
        }
        if isNews { self.noteUntold(upstream) }
        if tripped { self.announce(upstream, now: now) }
        self.ring()
    }

    func admitProbe(_ upstream: Upstream, until deadline: Instant, now: Instant) -> BreakerMachine.Probe? {
        let (probe, hasErrand) = upstream.gate.withBreaker { breaker in
            (breaker.admitProbe(until: deadline, now: now), breaker.hasErrand)
        }
        if probe != nil { self.sharing.withLock { $0.probes += 1 } }
        if probe == nil, hasErrand { self.ring() }
        return probe
    }

    func probeEnded(
        _ probe: BreakerMachine.Probe,
        _ outcome: BreakerMachine.ProbeOutcome,
        of upstream: Upstream,
        now: Instant
    ) {
        let (action, hasErrand, isNews) = upstream.gate.withBreaker { breaker in
            let hadUntold = breaker.hasUntold
            let action = breaker.probeEnded(probe, outcome, now: now)
            return (action, breaker.hasErrand, breaker.hasUntold && !hadUntold)
        }
        if isNews { self.noteUntold(upstream) }
        if action != .nothing { self.announce(upstream, now: now) }
        if hasErrand || isNews { self.ring() }
    }

    /// Time passed: breakers whose cooldown or whose probes ran out move on, and whose instance is back are let go.
    func moveOn(now: Instant) {
        let (moved, areBack) = self.watched.withLock { watched in
            let areBack = watched.count { $0.comeback.endIfOver(now: now) } > 0
            watched.removeAll { upstream in
                upstream.isRetired
                    || upstream.comeback.slowStart == nil
                        && upstream.gate.withBreaker { $0.phase == .closed && !$0.hasErrand }
            }
            let moved = watched.filter { upstream in upstream.gate.withBreaker { $0.moveOn(now: now) } != .nothing }
            return (moved, areBack)
        }
        if areBack { self.raise() }
        for upstream in moved { self.announce(upstream, now: now) }
        if !moved.isEmpty { self.ring() }
    }

    func announce(_ upstream: Upstream, now: Instant) {
        let breaker = upstream.gate.breaker
        self.startSlowly(upstream, breaker.phase, now: now)
        self.raise()
        self.sharing.withLock { $0.moves[breaker.phase, default: 0] += 1 }
        self.news.breakerMoved(upstream.key, to: breaker.phase, trips: breaker.own.trips(now: now))
    }

    /// An instance whose breaker closes gets its share back by and by; `moveOn` ends that.
    private func startSlowly(_ upstream: Upstream, _ phase: BreakerPhase, now: Instant) {
        guard phase == .closed else { return upstream.comeback.end() }
        upstream.comeback.begin(now: now)
        self.watch(upstream)
    }

    private func bound(of upstream: Upstream) -> EjectionBound {
        guard let home = self.home(of: upstream) else { return EjectionBound(poolSize: 1, ejected: 0) }
        let ejected = home.members.filter { $0.upstream !== upstream && $0.upstream.gate.facts.breaker != .closed }
        return EjectionBound(poolSize: home.members.count, ejected: ejected.count)
    }
}
