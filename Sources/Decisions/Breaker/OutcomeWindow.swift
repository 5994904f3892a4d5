public import Registry

/// Successes and failures of the last seconds, in a ring of buckets: constant memory, constant cost per outcome.
///
/// What is older than the window drops out a bucket at a time, so the window is between nine and ten tenths of its
/// nominal length long. Outcomes from the past (a batch of another loop, delayed) count as of now.
public struct OutcomeWindow: Hashable, Sendable {
    public struct Totals: Hashable, Sendable {
        public var successes: Int
        public var failures: Int

        public init(successes: Int = 0, failures: Int = 0) {
            self.successes = successes
            self.failures = failures
        }

        public var requests: Int { self.successes + self.failures }

        /// Whether at least `share` of at least `requestsMin` requests failed.
        public func failsAtLeast(_ share: Double, of requestsMin: Int) -> Bool {
            self.requests >= max(1, requestsMin) && Double(self.failures) >= share * Double(self.requests)
        }
    }

    private struct Bucket: Hashable, Sendable {
        /// Which stretch of time it counts; buckets of another lap are stale.
        var number: Int64
        var totals = Totals()
    }

    private var buckets: [Bucket]
    private let bucketNanoseconds: Int64
    private var newest: Int64 = .min

    public static let bucketCount = 10

    public init(length: Duration) {
        precondition(length > .zero, "a window of \(length) holds nothing")
        self.bucketNanoseconds = max(1, length.inNanoseconds / Int64(Self.bucketCount))
        self.buckets = Array(repeating: Bucket(number: .min), count: Self.bucketCount)
    }

    public mutating func add(successes: Int, failures: Int, now: Instant) {
        self.newest = max(self.newest, now.nanoseconds / self.bucketNanoseconds)
        let place = Int(self.newest.magnitude % UInt64(Self.bucketCount))
        if self.buckets[place].number != self.newest { self.buckets[place] = Bucket(number: self.newest) }
        self.buckets[place].totals.successes += successes
        self.buckets[place].totals.failures += failures
    }

    public func totals(now: Instant) -> Totals {
        let number = max(self.newest, now.nanoseconds / self.bucketNanoseconds)
        var totals = Totals()
        for bucket in self.buckets where bucket.number > number - Int64(Self.bucketCount) {
            totals.successes += bucket.totals.successes
            totals.failures += bucket.totals.failures
        }
        return totals
    }

    public mutating func clear() {
        for place in self.buckets.indices { self.buckets[place] = Bucket(number: .min) }
    }
}
