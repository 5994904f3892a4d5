/// The order in which weighted members take turns: each as often as its weight says, spaced as evenly as it goes.
///
/// Computed once per change of the pool, so that a pick is one array access and replicas that share a ticket counter
/// walk the same order. Each member's turns stand at the middles of equal stretches of the whole (the order of
/// Sainte-Laguë's divisors): members of equal weight never differ by more than one turn, in any prefix.
/// The shares are exact when the weights, divided by their common divisor, add up to at most `slotsMin`; otherwise
/// they are rounded to whole slots, which moves a share by at most half a slot, and no member's to zero.
public struct WeightedSchedule: Hashable, Sendable {
    /// Positions in the list of weights; never empty unless that list is.
    public let slots: [Int32]

    /// The schedule's length is bounded by this, or by `slotsPerMember` for large pools.
    public static let slotsMin = 1024
    public static let slotsPerMember = 8

    public init(weights: [Int]) {
        let turns = Self.turns(weights)
        var places: [(middle: Int, member: Int32)] = []
        places.reserveCapacity(turns.reduce(0, +))
        for (member, count) in turns.enumerated() {
            for turn in 0..<count { places.append(((2 * turn + 1) << 32 / count, Int32(member))) }
        }
        places.sort { ($0.middle, $0.member) < ($1.middle, $1.member) }
        self.slots = places.map(\.member)
    }

    /// How many slots each member gets.
    static func turns(_ weights: [Int]) -> [Int] {
        let divisor = weights.reduce(0, Self.greatestCommonDivisor)
        guard divisor > 0 else { return [] }
        let total = weights.reduce(0, +) / divisor
        let slots = max(Self.slotsMin, Self.slotsPerMember * weights.count)
        if total <= slots { return weights.map { $0 / divisor } }
        return weights.map { max(1, ($0 / divisor * slots * 2 + total) / (2 * total)) }
    }

    private static func greatestCommonDivisor(_ left: Int, _ right: Int) -> Int {
        right == 0 ? left : self.greatestCommonDivisor(right, left % right)
    }
}
