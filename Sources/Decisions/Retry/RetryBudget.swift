public import Registry

/// Caps retries as a share of traffic, so that a failing fleet is not killed by its callers' second tries.
///
/// Intuition: every request puts a fifth of a coin into a jar, every retry takes a coin out, and coins older than the
/// window are worthless. A small fixed income keeps quiet services able to retry at all.
/// The jar belongs to all replicas: each learns about once a second what the others put in and took out. Until the next
/// news it takes no more than its share of what was left then, and a fifth of its own new requests; so all together
/// overdraw by less than one retry each, however late the news. When none come the others' coins age like all coins,
/// and each replica is left with its own.
/// The hard case is time that stands still or jumps: buckets are named by their second, so one that was not written
/// for a whole window is recognised as old when it is met again.
public struct RetryBudget: Sendable, Equatable {
    /// One second of counts.
    private struct Bucket: Sendable, Equatable {
        var second: Int64 = .min
        var requests = 0
        var retries = 0
        /// Of the other replicas.
        var othersRequests = 0
        var othersRetries = 0
    }

    /// Retries per request that are always allowed. Default 0.2: at most a fifth more load.
    private let share: Double
    /// Retries per second that are allowed however few requests there are.
    private let perSecondMin: Int
    private var buckets: [Bucket]
    /// What this replica may still take before it hears from the others; nil when there are none.
    private var untilNews: Double?
    private var newsAt = Instant(nanoseconds: 0)

    /// Without news for so long, a replica goes by its own figures.
    public static let newsAge = Duration.seconds(3)

    public init(share: Double = 0.2, perSecondMin: Int = 3, windowSeconds: Int = 10) {
        precondition(windowSeconds > 0, "a budget needs a window: \(windowSeconds)")
        self.share = share
        self.perSecondMin = perSecondMin
        self.buckets = [Bucket](repeating: Bucket(), count: windowSeconds)
    }

    /// Requests have begun (first attempts, not retries).
    public mutating func deposit(requests: Int, now: Instant) {
        self.buckets[self.place(now)].requests += requests
        self.untilNews? += Double(requests) * self.share
    }

    /// The other replicas began so many requests, and made so many retries, since they were last heard of.
    public mutating func heard(requests: Int, retries: Int, others: Int, now: Instant) {
        let place = self.place(now)
        self.buckets[place].othersRequests += requests
        self.buckets[place].othersRetries += retries
        self.newsAt = now
        self.untilNews = others > 0 ? max(0, self.left(now: now) / Double(others + 1)) : nil
    }

    /// A retry wants to be made. True: it is paid for.
    public mutating func withdraw(now: Instant) -> Bool {
        let place = self.place(now)
        if now - self.newsAt > Self.newsAge { self.untilNews = nil }
        guard self.left(now: now) >= 1, self.untilNews.map({ $0 > 0 }) ?? true else { return false }
        self.buckets[place].retries += 1
        self.untilNews? -= 1
        return true
    }

    /// Retries that all replicas together may still make, as far as is known here.
    private func left(now: Instant) -> Double {
        let oldest = Self.second(now) - Int64(self.buckets.count)
        let live = self.buckets.filter { $0.second > oldest }
        let requests = live.reduce(0) { $0 + $1.requests + $1.othersRequests }
        let retries = live.reduce(0) { $0 + $1.retries + $1.othersRetries }
        let allowed = max(
            (Double(requests) * self.share).rounded(.down),
            Double(self.perSecondMin * self.buckets.count)
        )
        return allowed - Double(retries)
    }

    /// The bucket of the present second, emptied if it still holds a second of an earlier window.
    private mutating func place(_ now: Instant) -> Int {
        let second = Self.second(now)
        let place = Int(second % Int64(self.buckets.count))
        if self.buckets[place].second != second { self.buckets[place] = Bucket(second: second) }
        return place
    }

    private static func second(_ now: Instant) -> Int64 {
        max(0, now.nanoseconds) / 1_000_000_000
    }
}
