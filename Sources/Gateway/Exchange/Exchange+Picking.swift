internal import Decisions
internal import Registry

/// Whom the exchange goes to: what the pool's table says, corrected by what moves with every request.
extension Exchange {
    func policy(for member: RouteMember, now: Instant) -> ExchangePolicy {
        let settings = self.plane.settings
        let limit = min(
            member.timeoutNanoseconds ?? settings.timeout.inNanoseconds,
            self.options.timeoutNanoseconds
        )
        self.silentMax = .nanoseconds(limit)
        return ExchangePolicy(
            deadline: Instant(nanoseconds: now.nanoseconds &+ limit),
            retriesMax: self.options.retriesMax ?? settings.retriesMax,
            retryDelay: settings.retryDelay,
            isRepeatable: self.capability != .training
        )
    }

    func pickFirst(_ view: PoolView, now: Instant) -> Int? {
        if !view.probing.isEmpty, let index = self.pickProbe(view, now: now) { return index }
        guard let pool = self.pool else { return nil }
        let random = self.plane.random.next()
        let hashKey = self.options.hashKey ?? random
        let pick = view.picks.pick(
            ticket: view.picks.turns > 1 ? pool.tickets.take() : self.plane.nextTurn(),
            random: random,
            hashKey: hashKey
        )
        let index = self.settle(pick, view, pool, now: now)
        guard let others = view.others, let index else { return index }
        return self.pickUnlessDeclined(index, others, pool, hashKey: hashKey, now: now)
    }

    /// A member that comes back after its breaker closed declines some of its turns, and the others take them.
    func pickUnlessDeclined(_ index: Int, _ others: PoolView, _ pool: RoutePool, hashKey: UInt64, now: Instant) -> Int?
    {
        let member = pool.members[index].upstream
        guard let slowStart = member.comeback.slowStart else { return index }
        let takes =
            pool.strategy == .consistentHash
            ? slowStart.takesKey(hashKey, of: pool.balanced[index].hash, now: now)
            : member.comeback.takesTurn(slowStart, now: now)
        if takes { return index }
        let turn = member.comeback.nextDeclined()
        let pick = others.picks.pick(ticket: turn, random: self.plane.random.next(), hashKey: hashKey)
        return self.settle(pick, others, pool, now: now) ?? index
    }

    func pickAnother(_ view: PoolView, now: Instant) -> Int? {
        if !view.probing.isEmpty, let index = self.pickProbe(view, now: now) { return index }
        guard let pool = self.pool else { return nil }
        let random = self.plane.random.next()
        let pick = view.picks.pickAgain(tried: self.tried, random: random, hashKey: self.options.hashKey ?? random)
        return self.settle(pick, view, pool, now: now)
    }

    /// The member picked, if a request may be sent there now, or another one; the request counts there from now on.
    /// Nil: only permits lack.
    @inline(__always)
    func admitted(_ picked: Int, _ view: PoolView, _ pool: RoutePool, now: Instant) -> Int? {
        self.enter(pool.members[picked].upstream, pool) ? picked : self.otherAdmitted(picked, view, pool, now: now)
    }

    @inline(__always)
    func enter(_ upstream: Upstream, _ pool: RoutePool) -> Bool {
        guard upstream.gauge.isLimited else { return upstream.gauge.enter() }
        return !self.plane.queue.isWaitedFor(pool) && upstream.gauge.enter()
    }

    /// What is full now may have room when another try is due: it does not count as tried.
    func otherAdmitted(_ picked: Int, _ view: PoolView, _ pool: RoutePool, now: Instant) -> Int? {
        let tried = self.tried
        defer { self.tried = tried }
        var full = picked
        while true {
            self.endUnusedProbe(of: pool.members[full], now: now)
            self.tried.insert(full)
            guard let other = self.pickAnother(view, now: now) else { return nil }
            if self.enter(pool.members[other].upstream, pool) { return other }
            full = other
        }
    }

    func endUnusedProbe(of member: RouteMember, now: Instant) {
        guard let probe = self.probe else { return }
        self.probe = nil
        self.plane.board.probeEnded(probe, .neutral, of: member.upstream, now: now)
    }

    /// Compares what the table cannot know.
    @inline(__always)
    func settle(_ pick: Pick, _ view: PoolView, _ pool: RoutePool, now: Instant) -> Int? {
        switch pick {
        case .one(let index): return index
        case .none: return nil
        case .lesser(let first, let second):
            return self.load(pool, second, now: now) < self.load(pool, first, now: now) ? second : first
        case .least(let start):
            let eligible = view.picks.eligible
            var best = start
            var least = Int.max
            for step in eligible.indices {
                let position = (start &+ step) % eligible.count
                let inFlight = pool.members[eligible[position]].upstream.inFlight
                if inFlight < least { (best, least) = (position, inFlight) }
            }
            return eligible[best]
        }
    }

    func load(_ pool: RoutePool, _ index: Int, now: Instant) -> Double {
        let upstream = pool.members[index].upstream
        let inFlight = upstream.inFlight
        guard pool.strategy == .latency else { return Double(inFlight) }
        return upstream.lanes[self.plane.index].latency.score(inFlight: inFlight, now: now)
    }

    /// A half-open member that its breaker lets one request through to.
    func pickProbe(_ view: PoolView, now: Instant) -> Int? {
        guard let pool = self.pool else { return nil }
        for index in view.probing where !self.tried.contains(index) {
            let member = pool.members[index]
            let deadline = now + (self.plane.settings.timeout)
            if let probe = self.plane.board.admitProbe(member.upstream, until: deadline, now: now) {
                self.probe = probe
                return index
            }
        }
        return nil
    }
}
