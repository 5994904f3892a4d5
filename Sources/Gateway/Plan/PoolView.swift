internal import Decisions

/// What one event loop thinks of a pool: who is eligible, ready to pick from. Rebuilt when a gate or the table moved.
///
/// Confined to its event loop.
final class PoolView {
    let generation: UInt64
    let picks: PickTable
    /// Half-open members, which get a request first when their breaker admits a probe.
    let probing: [Int]
    let isPanic: Bool
    /// The same without the members that come back after their breaker closed, for turns that these decline. Nil while
    /// nobody comes back, and when everybody does: nobody could take what they decline.
    let others: PoolView?

    init(_ pool: RoutePool, generation: UInt64) {
        let eligibility = Eligibility(pool.facts)
        let eligible = eligibility.eligible
        let others = eligible.filter { pool.members[$0].upstream.comeback.slowStart == nil }
        self.generation = generation
        self.picks = PickTable(strategy: pool.strategy, members: pool.balanced, eligible: eligible)
        self.probing = eligibility.probing
        self.isPanic = eligibility.isPanic
        let isOfUse = !others.isEmpty && others.count < eligible.count
        self.others = isOfUse ? PoolView(pool, eligible: others, generation: generation) : nil
        pool.tickets.setMembers(self.picks.turns)
    }

    private init(_ pool: RoutePool, eligible: [Int], generation: UInt64) {
        self.generation = generation
        self.picks = PickTable(strategy: pool.strategy, members: pool.balanced, eligible: eligible)
        self.probing = []
        self.isPanic = false
        self.others = nil
    }
}
