public import Registry

/// How much of its share an instance takes while it comes back, after its breaker has closed.
///
/// A good answer to a probe says that an instance lives, not that its caches are warm: its whole share at once may throw
/// it down again. So it declines turns, nine of ten at first and then fewer in step with time, until the window is over.
/// What it declines goes to the rest of the pool by the pool's own strategy.
/// The hard case is to be exact without a lock or a memory of turns: each turn adds the share of that moment to a sum
/// that all event loops add to, and is taken when the sum passes a whole number. Of any run of turns as many are
/// taken as the shares add up to, to within one, though the share changes meanwhile.
public struct SlowStart: Hashable, Sendable {
    private let since: Instant
    private let window: Duration

    /// A share of one; shares and their sums are counted in these.
    public static let whole: UInt64 = 1 << 32
    private static let shareAtFirst = 0.1

    public init(since: Instant, window: Duration) {
        self.since = since
        self.window = window
    }

    public func isOver(now: Instant) -> Bool { self.since + self.window <= now }

    /// Rises in a straight line from a tenth to the whole.
    public func share(now: Instant) -> UInt64 {
        guard !self.isOver(now: now) else { return Self.whole }
        let passed = max(0, (now - self.since) / self.window)
        return UInt64(Double(Self.whole) * (Self.shareAtFirst + (1 - Self.shareAtFirst) * passed))
    }

    /// Whether the turn is taken whose share brought the sum from `before` to `after`. The sum may wrap around.
    public static func takesTurn(before: UInt64, after: UInt64) -> Bool {
        before >> 32 != after >> 32
    }

    /// Under `consistent_hash` the keys come back one after another, each of them once; `member` is the member's hash.
    public func takesKey(_ hashKey: UInt64, of member: UInt64, now: Instant) -> Bool {
        StableHash.mixed(hashKey &+ member) >> 32 < self.share(now: now)
    }
}
