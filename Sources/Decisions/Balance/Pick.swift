/// Whom a request goes to, as far as the table alone can tell; numbers that move with every request stay in the shell.
public enum Pick: Hashable, Sendable {
    /// This member.
    case one(Int)
    /// The one of two members with fewer requests in flight, or under the strategy `latency` the lower score; the first
    /// when they are equal (their order is random already).
    case lesser(Int, Int)
    /// The member with the fewest requests in flight among `PickTable.eligible`, scanned once round from this *position*
    /// (not index of a member); the first found when several are equal, so that idle members take turns.
    case least(startingAt: Int)
    /// Nobody is left.
    case none
}
