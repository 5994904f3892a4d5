internal import Registry

/// `LatencyBuckets` as the request path counts into it: a flat array, and a bucket found by a few comparisons.
struct LatencyCounts {
    private var counts = [Int64](repeating: 0, count: LatencyBuckets.boundsMicroseconds.count + 1)
    private var sumNanoseconds: Int64 = 0

    @inline(__always)
    mutating func add(nanoseconds: Int64) {
        self.counts[Self.bucket(nanoseconds / 1000)] += 1
        self.sumNanoseconds &+= nanoseconds
    }

    func add(to buckets: inout LatencyBuckets) {
        for index in self.counts.indices { buckets.counts[index] += self.counts[index] }
        buckets.sumMicroseconds += self.sumNanoseconds / 1000
    }

    /// Adds what was counted beyond `told`, which becomes the same; the two share no memory.
    func takeNews(since told: inout LatencyCounts, into buckets: inout LatencyBuckets) {
        for index in self.counts.indices {
            buckets.counts[index] += self.counts[index] - told.counts[index]
            told.counts[index] = self.counts[index]
        }
        buckets.sumMicroseconds += self.sumNanoseconds / 1000 - told.sumNanoseconds / 1000
        told.sumNanoseconds = self.sumNanoseconds
    }

    /// Index of the first bound that is not below the value; written out, because most answers are fast.
    @inline(__always)
    static func bucket(_ microseconds: Int64) -> Int {
        if microseconds <= 1_000 {
            if microseconds <= 100 { return microseconds <= 50 ? 0 : 1 }
            if microseconds <= 250 { return 2 }
            return microseconds <= 500 ? 3 : 4
        }
        return LatencyBuckets.boundsMicroseconds.firstIndex { microseconds <= $0 }
            ?? LatencyBuckets.boundsMicroseconds.count
    }
}
