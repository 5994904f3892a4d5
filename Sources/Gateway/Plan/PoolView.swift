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

    init(_ pool: RoutePool, generation: UInt64) {
        let eligibility = Eligibility(pool.facts)
        self.generation = generation
        self.picks = PickTable(strategy: pool.strategy, members: pool.balanced, eligible: eligibility.eligible)
        self.probing = eligibility.probing
        self.isPanic = eligibility.isPanic
        pool.tickets.setMembers(self.picks.turns)
    }
}
