public import Registry

/// When the leader looks at its sources again: after each interval, and soon after a hint.
///
/// Hints come in swarms (every replica sees the same instance die), so between two sweeps lies at least the gap; a hint
/// that comes meanwhile is kept, not lost: what it was about may have happened after the sweep looked there.
public struct SweepClock: Hashable, Sendable {
    private let interval: Duration
    private let gap: Duration
    private var lastBegan: Instant?
    private var isHinted = false

    public static let gapMax: Duration = .seconds(2)

    /// The `interval` is `SERVICE_DISCOVERY_INTERVAL`.
    public init(interval: Duration) {
        self.interval = interval
        self.gap = min(interval, Self.gapMax)
    }

    public mutating func hint() { self.isHinted = true }

    /// Nil: at once.
    public var dueAt: Instant? {
        self.lastBegan.map { $0 + (self.isHinted ? self.gap : self.interval) }
    }

    public func isDue(now: Instant) -> Bool { self.dueAt.map { $0 <= now } ?? true }

    /// Whoever leads begins a sweep now; every hint until now is served by it.
    public mutating func begin(now: Instant) {
        self.lastBegan = now
        self.isHinted = false
    }

    /// This replica leads no more: when it does again, it begins with a sweep.
    public mutating func stop() {
        self.lastBegan = nil
        self.isHinted = false
    }
}
