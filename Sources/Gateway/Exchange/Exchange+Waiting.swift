internal import Decisions
internal import Registry

/// What the exchange does when only permits lack: it waits in the loops' common queue, within its deadline.
extension Exchange {
    var isQueued: Bool { self.queueNumber != 0 }

    /// Every instance that could take the request has as many as it may.
    func waitForPermit(_ pool: RoutePool, _ view: PoolView, now: Instant) {
        let tried = self.tried.indexes.map { pool.members[$0].upstream }
        let members = view.picks.eligible.map { pool.members[$0].upstream }.filter { $0.gauge.isLimited }
        let isHopeless = members.allSatisfy { member in tried.contains { $0 === member } }
        guard !isHopeless, !self.options.isCopy,
            let number = self.plane.queue.join(self, pool, members: members, refusing: tried)
        else { return self.refuseToWait(now: now) }
        if self.queuedAt == nil {
            self.plane.counts.queueEntered += 1
            self.queuedAt = now
        }
        self.queueNumber = number
        (self.queuedIn, self.queuedFor) = (pool.key, members)
        self.machine.queued(for: self.plane.settings.queueTimeout, now: now)
    }

    private func refuseToWait(now: Instant) {
        if !self.options.isCopy { self.plane.counts.queueRefused += 1 }
        self.queuedAt = nil
        self.run(self.machine.leftQueue(), now: now)
    }

    /// A permit of the instance was taken for this exchange, if it still waits under that number.
    func permitCame(_ number: Int, of upstream: Upstream) {
        guard number == self.queueNumber else { return self.giveBack(upstream) }
        self.queueNumber = 0
        let now = MonotonicClock.now()
        self.plane.refresh()
        guard self.followSwitch() else {
            self.giveBack(upstream)
            return self.strand(now: now)
        }
        guard let pool = self.followPool() else { return self.giveBack(upstream) }
        let view = self.plane.view(of: pool)
        let found = view.picks.eligible.first { pool.members[$0].upstream === upstream }
        guard let index = found, !self.tried.contains(index) else {
            self.giveBack(upstream)
            return self.pickAfterWaiting(pool, view, now: now)
        }
        self.attemptAfterWaiting(index, view, now: now)
    }

    /// The registry or a gate has changed: perhaps the request can go elsewhere now, or nowhere.
    func reconsider(now: Instant) {
        guard self.followSwitch() else {
            if self.leaveQueue() { self.strand(now: now) }
            return
        }
        guard let pool = self.followPool() else { return }
        let view = self.plane.view(of: pool)
        let members = view.picks.eligible.map { pool.members[$0].upstream }
        let isSame = members.count == self.queuedFor.count && zip(members, self.queuedFor).allSatisfy { $0 === $1 }
        guard !isSame, self.leaveQueue() else { return }
        self.pickAfterWaiting(pool, view, now: now)
    }

    /// The time to wait is up. A permit that is on its way already is used.
    func queueTimedOut(now: Instant) {
        guard self.leaveQueue() else { return }
        self.plane.counts.queueTimedOut += 1
        self.queuedAt = nil
        self.run(self.machine.leftQueue(), now: now)
    }

    /// False when a permit is on its way.
    func leaveQueue() -> Bool {
        guard self.isQueued, let line = self.queuedIn, self.plane.queue.leave(self.queueNumber, line) else {
            return false
        }
        self.queueNumber = 0
        return true
    }

    /// The caller has left: a permit that is on its way finds another number here.
    func forgetQueue() {
        self.queuedAt = nil
        if !self.queuedFor.isEmpty { self.queuedFor = [] }
        guard self.isQueued else { return }
        _ = self.leaveQueue()
        self.queueNumber = 0
    }

    private func giveBack(_ upstream: Upstream) {
        self.plane.queue.departed(upstream.gauge.leave(), from: upstream)
    }

    private func pickAfterWaiting(_ pool: RoutePool, _ view: PoolView, now: Instant) {
        guard let picked = self.pickAnother(view, now: now) else {
            return self.machine.attempts == 0
                ? self.answer(self.nobody(pool, view, now: now)) : self.run(self.machine.giveUp(), now: now)
        }
        guard let index = self.admitted(picked, view, pool, now: now) else {
            return self.waitForPermit(pool, view, now: now)
        }
        self.attemptAfterWaiting(index, view, now: now)
    }

    private func attemptAfterWaiting(_ index: Int, _ view: PoolView, now: Instant) {
        if let queuedAt = self.queuedAt {
            let waited = now.nanoseconds &- queuedAt.nanoseconds
            self.plane.counts.queueWait.add(nanoseconds: waited)
            // Waiting is not the manager's own work.
            self.startedAt = Instant(nanoseconds: self.startedAt.nanoseconds &+ waited)
            self.queuedAt = nil
        }
        if self.machine.attempts > 0, let pool = self.pool { self.countRetry(at: pool.members[index]) }
        self.attempt(index, others: max(0, self.untried(view) - 1), now: now)
    }

    /// The pool as the present table has it, in place of the one the request began with: what waited through a switch
    /// goes where a new request would go.
    private func followPool() -> RoutePool? {
        guard let pool = self.pool else { return nil }
        let table = self.plane.table
        if table.has(pool) { return pool }
        guard let current = table.pools.first(where: { $0.key == pool.key }) else { return pool }
        self.tried = TriedMembers(
            self.tried.indexes.compactMap { index in
                current.members.firstIndex { $0.upstream === pool.members[index].upstream }
            }
        )
        self.pool = current
        return current
    }
}
