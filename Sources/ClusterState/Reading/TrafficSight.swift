public import Registry

/// What versions of a model type did over all replicas since the last mark, and who holds requests of them.
public struct TrafficSight: Hashable, Sendable {
    public struct Counts: Hashable, Sendable {
        public var requests: Int64
        public var failures: Int64
        public var latencyMicroseconds: Int64
        /// When a replica last told of requests, by Redis' clock, in milliseconds since 1970, at most about a second
        /// late; zero when none did. Of totals only.
        public var lastMilliseconds: Int64

        public init(requests: Int64, failures: Int64, latencyMicroseconds: Int64, lastMilliseconds: Int64 = 0) {
            self.lastMilliseconds = lastMilliseconds
            self.requests = requests
            self.failures = failures
            self.latencyMicroseconds = latencyMicroseconds
        }
    }

    /// A live replica.
    public struct Holder: Hashable, Sendable {
        public var replica: String
        /// That the replica served by when it reported; zero when it has not reported yet.
        public var epoch: Epoch
        public var inFlight: [ModelVersion: Int]
    }

    /// Milliseconds on the lease clock.
    public let leaseClock: Int64
    public let counts: [ModelVersion: Counts]
    public let holders: [Holder]
}

/// A live replica that does not serve by an epoch yet.
public struct ReplicaBehind: Hashable, Sendable {
    public let replica: String
    public let epoch: Epoch
    /// After which it is behind no longer: it has lapsed, and catches up before it serves again.
    public let remaining: Duration

    public init(replica: String, epoch: Epoch, remaining: Duration) {
        self.replica = replica
        self.epoch = epoch
        self.remaining = remaining
    }
}
