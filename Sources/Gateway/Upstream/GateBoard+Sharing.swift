internal import Decisions
internal import Registry
internal import Synchronization

/// The board's side of breakers that are shared by a cluster.
extension GateBoard {
    func setBell(_ ring: @escaping @Sendable () -> Void) {
        self.sharing.withLock { $0.ring = ring }
    }

    func add(to statistics: inout DataPlaneStatistics) {
        self.sharing.withLock { sharing in
            statistics.breakerMoves = sharing.moves
            statistics.breakerProbes = sharing.probes
        }
    }

    func ring() {
        self.sharing.withLock { $0.ring }()
    }

    /// The upstream has outcomes to tell.
    func noteUntold(_ upstream: Upstream) {
        self.sharing.withLock { $0.untold.append(upstream) }
    }

    func setInTouch(_ isInTouch: Bool, now: Instant) {
        let upstreams = self.withUpstreams { upstreams in
            self.sharing.withLock { $0.isInTouch = isInTouch }
            return upstreams
        }
        for upstream in upstreams { self.change(upstream, now: now) { breaker, _ in breaker.setInTouch(isInTouch) } }
    }

    func takeOutcomes() -> [PoolOutcomes] {
        let upstreams = self.sharing.withLock { sharing in
            defer { sharing.untold = [] }
            return sharing.untold
        }
        return upstreams.compactMap { upstream in
            guard let report = upstream.gate.withBreaker({ $0.takeUntold() }), !upstream.isRetired else { return nil }
            let home = self.home(of: upstream)
            return PoolOutcomes(
                key: upstream.key,
                pool: home?.key.name ?? upstream.key.description,
                poolSize: home?.members.count ?? 1,
                report: report
            )
        }
    }

    func takeEndedPermits() -> [EndedPermit] {
        self.watchedUpstreams().flatMap { upstream in
            upstream.gate.withBreaker { $0.takeEnded() }.map {
                EndedPermit(key: upstream.key, number: $0.number, outcome: $0.outcome)
            }
        }
    }

    func permitWishes(now: Instant) -> [PermitWish] {
        self.watchedUpstreams().compactMap { upstream in
            upstream.gate.withBreaker { $0.wish(now: now) }.map { PermitWish(key: upstream.key, wish: $0) }
        }
    }

    /// A shared trip takes precedence over what this replica took out by itself: together they must not be too many.
    func decide(_ decision: SharedBreaker.Decision, for key: InstanceKey, now: Instant) {
        guard let upstream = self.upstream(key) else { return }
        self.change(upstream, now: now) { breaker, now in _ = breaker.decide(decision, now: now) }
        guard decision.phase != .closed, let home = self.home(of: upstream) else { return }
        for member in home.members {
            let out = home.members.count { $0.upstream.gate.facts.breaker != .closed }
            guard !EjectionBound.allows(ejected: out - 1, poolSize: home.members.count) else { return }
            self.change(member.upstream, now: now) { breaker, now in breaker.yield(now: now) }
        }
    }

    func change(described text: String, now: Instant, _ body: (inout SharedBreaker, Instant) -> Void) {
        guard let upstream = self.watchedUpstreams().first(where: { $0.key.description == text }) else { return }
        self.change(upstream, now: now, body)
    }

    func change(_ key: InstanceKey, now: Instant, _ body: (inout SharedBreaker, Instant) -> Void) {
        if let upstream = self.upstream(key) { self.change(upstream, now: now, body) }
    }

    /// Changes a breaker by the cluster's word, and tells whoever must know what became of it.
    private func change(_ upstream: Upstream, now: Instant, _ body: (inout SharedBreaker, Instant) -> Void) {
        let (before, after, hasErrand) = upstream.gate.withBreaker { breaker in
            let before = breaker.phase
            body(&breaker, now)
            return (before, breaker.phase, breaker.hasErrand)
        }
        if after != .closed || hasErrand { self.watch(upstream) }
        if before != after { self.announce(upstream, now: now) }
        if hasErrand { self.ring() }
    }
}
