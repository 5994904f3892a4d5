public import Registry

/// When a replica tells the cluster what became of its requests.
///
/// A failure is told at once, and every 100 ms what happens to an instance of which the cluster knows fresh failures:
/// there successes count, too, for they end a row of failures. Where nothing fails, once a second is enough, and most
/// of what a breaker would cost Redis is saved.
public struct OutcomePace: Hashable, Sendable {
    private var toldAt: Instant?
    private var watchedUntil: Instant?

    /// Where failures are fresh.
    public static let watched: Duration = .milliseconds(100)
    /// Where nothing fails.
    public static let calm: Duration = .seconds(1)
    /// A failure is fresh for as long as it counts in the cluster's window.
    public static let memory: Duration = .seconds(10)

    public init() {}

    /// Whether to tell now; `isUrgent`: a request failed since the last time.
    public mutating func isDue(now: Instant, isUrgent: Bool) -> Bool {
        let isWatched = self.isWatching(now: now)
        let isDue = self.toldAt.map { now - $0 >= (isWatched ? Self.watched : Self.calm) } ?? true
        guard isDue || isUrgent else { return false }
        self.toldAt = now
        return true
    }

    /// Whether failures are fresh, so that there may be something to tell each `watched`.
    public func isWatching(now: Instant) -> Bool {
        self.watchedUntil.map { now < $0 } ?? false
    }

    /// The cluster knows of fresh failures at an instance that this replica sends requests to.
    public mutating func watch(now: Instant) {
        self.watchedUntil = now + Self.memory
    }
}
