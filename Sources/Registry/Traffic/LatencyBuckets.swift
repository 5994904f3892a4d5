/// A histogram with fixed, exponential bounds: cheap to count into, exact to add up over loops and replicas.
public struct LatencyBuckets: Sendable, Hashable {
    /// Upper bounds in microseconds; one more bucket follows for everything above.
    public static let boundsMicroseconds: [Int64] = [
        50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
        5_000_000, 10_000_000,
        30_000_000, 60_000_000,
    ]
    public var counts = [Int64](repeating: 0, count: LatencyBuckets.boundsMicroseconds.count + 1)
    public var sumMicroseconds: Int64 = 0

    public init() {}

    public var total: Int64 { self.counts.reduce(0, +) }

    public static func += (left: inout LatencyBuckets, right: LatencyBuckets) {
        for place in left.counts.indices { left.counts[place] += right.counts[place] }
        left.sumMicroseconds += right.sumMicroseconds
    }

    public static func -= (left: inout LatencyBuckets, right: LatencyBuckets) {
        for place in left.counts.indices { left.counts[place] -= right.counts[place] }
        left.sumMicroseconds -= right.sumMicroseconds
    }
}
