public import Registry

/// How often callers at one address may show what is not believed: `burst` times, and then once every `interval` (a leaky
/// bucket as in ATM Forum TM 4.0, the generic cell rate algorithm: all it remembers of an address is when its bucket will be
/// empty).
///
/// Only failures are counted and only failures are refused: who shows a good key is served all the same, because behind an
/// ingress all callers have one address, and nobody there shall be able to lock the others out. Keys of 256 random bits
/// are not found by trying; what is saved is the log, and a client that hammers with an old key is told `Retry-After`.
///
/// Addresses are bounded. When there are too many, those whose buckets are empty are forgotten, then all.
public struct FailedCallers: Sendable {
    public static let burst = 20
    public static let interval = Duration.seconds(3)
    public static let addressesMax = 4096

    public enum Verdict: Hashable, Sendable {
        case counted
        /// Whole seconds until the next failure is counted.
        case limited(retryAfter: Int, isFirst: Bool)
    }

    private struct Bucket {
        var emptyAt: Instant
        var isLimited = false
    }

    private var buckets: [String: Bucket] = [:]

    public init() {}

    public var count: Int { self.buckets.count }

    /// One more failure at this address.
    public mutating func failed(at address: String, now: Instant) -> Verdict {
        if self.buckets[address] == nil { self.makeRoom(now: now) }
        var bucket = self.buckets[address] ?? Bucket(emptyAt: now)
        defer { self.buckets[address] = bucket }
        bucket.emptyAt = max(bucket.emptyAt, now)
        let wait = (bucket.emptyAt - now).inNanoseconds - Self.interval.inNanoseconds * Int64(Self.burst - 1)
        guard wait > 0 else {
            bucket.emptyAt = bucket.emptyAt + Self.interval
            bucket.isLimited = false
            return .counted
        }
        defer { bucket.isLimited = true }
        return .limited(retryAfter: Int((wait + 999_999_999) / 1_000_000_000), isFirst: !bucket.isLimited)
    }

    private mutating func makeRoom(now: Instant) {
        guard self.buckets.count >= Self.addressesMax else { return }
        self.buckets = self.buckets.filter { $0.value.emptyAt > now }
        if self.buckets.count >= Self.addressesMax { self.buckets = [:] }
    }
}
