internal import Decisions
internal import Registry

/// Says of each instance why it would or would not be picked now, from the same facts that a pick uses.
struct Explainer {
    let table: RoutingTable
    let now: Instant

    func explain(modelType: ModelType, version: ModelVersion, capability: String) -> Explanation {
        guard let route = self.table.snapshot.models[modelType] else {
            return self.failed(Problem(.modelNotFound, "no service is registered for model_type \(modelType)"))
        }
        guard let resolved = route.resolve(version) else {
            return self.failed(
                Problem(.versionNotFound, "model_type \(modelType) has neither a version nor an alias \(version)")
            )
        }
        let found = self.table.pools.filter {
            $0.key.modelType == modelType && $0.key.version == resolved && $0.key.capability.answers(capability)
        }
        guard let first = found.first else {
            let isKnown = route.versions[resolved] != nil
            return self.failed(
                isKnown
                    ? Problem(.capabilityMismatch, "no service of model_type \(modelType) offers \(capability)")
                    : Problem(.noHealthyService, "no service of model_type \(modelType) has version \(resolved)")
            )
        }
        return found.dropFirst().reduce(self.explain(first)) { shown, pool in
            var sum = shown
            sum.candidates += self.explain(pool).candidates
            return sum
        }
    }

    private func explain(_ pool: RoutePool) -> Explanation {
        let facts = pool.facts
        let eligibility = Eligibility(facts)
        let candidates = pool.members.enumerated().map { index, member in
            Explanation.Candidate(
                key: member.upstream.key,
                eligible: eligibility.eligible.contains(index),
                reasons: self.reasons(member.upstream, facts[index], isPanic: eligibility.isPanic)
            )
        }
        let picks = PickTable(strategy: pool.strategy, members: pool.balanced, eligible: eligibility.eligible)
        let would = picks.pickAgain(tried: TriedMembers(), random: 0, hashKey: 0)
        var explanation = Explanation(candidates: candidates, wouldPick: nil, problem: nil)
        if pool.strategy == .roundRobin, !eligibility.eligible.isEmpty {
            let place = Int(pool.tickets.upcoming % UInt64(eligibility.eligible.count))
            explanation.wouldPick = pool.members[eligibility.eligible[place]].upstream.key
        } else if case .one(let index) = would {
            explanation.wouldPick = pool.members[index].upstream.key
        }
        if explanation.wouldPick == nil {
            explanation.problem = Problem(
                .noHealthyService,
                "no healthy service for model_type \(pool.key.modelType), version \(pool.key.version)"
            )
        }
        return explanation
    }

    private func reasons(_ upstream: Upstream, _ facts: Eligibility.Facts, isPanic: Bool) -> [String] {
        var reasons: [String] = []
        if facts.isDraining { reasons.append("draining") }
        switch facts.breaker {
        case .closed:
            if let slowStart = upstream.comeback.slowStart {
                let percent = slowStart.share(now: self.now) * 100 / SlowStart.whole
                reasons.append("breaker closed lately, takes \(percent) % of its share")
            }
        case .open:
            let left = upstream.gate.breaker.own.movesOnAt.map { max(0, ($0 - self.now).inSeconds) } ?? 0
            reasons.append("breaker open for \(Double(Int(left * 10)) / 10) s more")
        case .halfOpen: reasons.append("breaker half open, only probe requests")
        }
        if upstream.gate.breaker.isOutAlone, upstream.gate.breaker.isInTouch {
            reasons.append("only this replica cannot reach it")
        }
        switch facts.verdict {
        case .unhealthy where isPanic:
            reasons.append("probes call it unhealthy, which is ignored because they say so of more than half")
        case .unhealthy: reasons.append("probes call it unhealthy")
        case .unknown: reasons.append("not probed yet")
        case .healthy: reasons.append("healthy")
        }
        if let held = upstream.gauge.held, upstream.inFlight >= held {
            reasons.append("no permit free: \(upstream.inFlight) in flight, \(held) permits held by this replica")
        }
        return reasons
    }

    private func failed(_ problem: Problem) -> Explanation {
        Explanation(candidates: [], wouldPick: nil, problem: problem)
    }
}

extension RoutePool.Capability {
    /// Callers of either protocol ask for a prediction.
    fileprivate func answers(_ asked: String) -> Bool {
        self.rawValue == asked || self == .inference && asked == Self.prediction.rawValue
    }
}

extension Upstream {
    /// The live state, for people.
    func state(now: Instant) -> InstanceState {
        var state = InstanceState(key: self.key)
        let facts = self.gate.facts
        let breaker = self.gate.breaker.own
        state.verdict = facts.verdict
        state.breaker = facts.breaker
        state.isDraining = facts.isDraining
        state.failures = breaker.failuresInRow
        state.trips = breaker.trips(now: now)
        state.inFlight = self.inFlight
        state.permitsHeld = self.gauge.held
        switch breaker.state {
        case .closed: break
        case .open(let since, let until):
            state.openedAt = since
            state.retryAt = until
        case .halfOpen(let since, _, _): state.openedAt = since
        }
        return state
    }
}
