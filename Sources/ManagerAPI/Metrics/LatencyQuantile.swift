internal import Registry

/// A quantile read off a histogram: exact to the bucket, and within it as if its entries were spread evenly.
enum LatencyQuantile {
    /// Nil when nothing was measured. Beyond the last bound there is only the bound to name.
    static func of(_ buckets: LatencyBuckets, _ share: Double) -> Duration? {
        let total = buckets.total
        guard total > 0 else { return nil }
        let rank = max(1, (share * Double(total)).rounded(.up))
        var below: Int64 = 0
        for (place, count) in buckets.counts.enumerated() where count > 0 {
            guard Double(below + count) < rank else {
                return Self.within(place, (rank - Double(below)) / Double(count))
            }
            below += count
        }
        return nil
    }

    private static func within(_ place: Int, _ share: Double) -> Duration {
        let bounds = LatencyBuckets.boundsMicroseconds
        guard place < bounds.count else { return .microseconds(bounds.last ?? 0) }
        let lower = place == 0 ? 0 : bounds[place - 1]
        return .microseconds(lower + Int64(Double(bounds[place] - lower) * share))
    }
}
