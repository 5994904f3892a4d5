public import Registry

/// Caps retries as a share of traffic, so that a failing fleet is not killed by its callers' second tries.
///
/// Intuition: every request puts a fifth of a coin into a jar, every retry takes a coin out, and coins older than the
/// window are worthless. A small fixed income keeps quiet services able to retry at all.
/// The hard case is time that stands still or jumps: buckets are named by their second, so one that was not written
/// for a whole window is recognised as old when it is met again.
public struct RetryBudget: Sendable, Equatable {
    /// One second of counts.
    private struct Bucket: Sendable, Equatable {
        var second: Int64 = .min
        var requests = 0
        var retries = 0
    }

    /// Retries per request that are always allowed. Default 0.2: at most a fifth more load.
    private let share: Double
    /// Retries per second that are allowed however few requests there are.
    private let perSecondMin: Int
    private var buckets: [Bucket]

    public init(share: Double = 0.2, perSecondMin: Int = 3, windowSeconds: Int = 10) {
        precondition(windowSeconds > 0, "a budget needs a window: \(windowSeconds)")
        self.share = share
        self.perSecondMin = perSecondMin
        self.buckets = [Bucket](repeating: Bucket(), count: windowSeconds)
    }

    /// Requests have begun (first attempts, not retries).
    public mutating func deposit(requests: Int, now: Instant) {
        self.buckets[self.place(now)].requests += requests
    }

    /// A retry wants to be made. True: it is paid for.
    public mutating func withdraw(now: Instant) -> Bool {
        let place = self.place(now)
        let oldest = Self.second(now) - Int64(self.buckets.count)
        let live = self.buckets.filter { $0.second > oldest }
        let requests = live.reduce(0) { $0 + $1.requests }
        let retries = live.reduce(0) { $0 + $1.retries }
        let allowed = max(Int(Double(requests) * self.share), self.perSecondMin * self.buckets.count)
        guard retries < allowed else { return false }
        self.buckets[place].retries += 1
        return true
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
