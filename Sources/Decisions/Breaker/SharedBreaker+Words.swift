public import Registry

/// What a shared breaker and the cluster say to each other.
extension SharedBreaker {
    /// The cluster's word on an instance.
    public struct Decision: Hashable, Sendable {
        public var phase: BreakerPhase
        /// Of two decisions the one with the higher version is the newer one.
        public var version: Int64
        public var generation: Int
        public var trips: Int
        /// When it opened, and from when on a probe may be asked for; while not closed.
        public var openedAt = Instant(nanoseconds: 0)
        public var retryAt = Instant(nanoseconds: 0)

        public init(phase: BreakerPhase, version: Int64, generation: Int, trips: Int) {
            self.phase = phase
            self.version = version
            self.generation = generation
            self.trips = trips
        }
    }

    /// A permit's end, to be told to the cluster.
    public struct EndedProbe: Hashable, Sendable {
        public let number: Int
        public let outcome: BreakerMachine.ProbeOutcome

        public init(number: Int, outcome: BreakerMachine.ProbeOutcome) {
            self.number = number
            self.outcome = outcome
        }
    }

    /// A question for a permit, to be asked now.
    public struct Wish: Hashable, Sendable {
        public let number: Int
        /// A request waits: whoever has a permit in hand unused shall give it.
        public let isUrgent: Bool

        public init(number: Int, isUrgent: Bool) {
            self.number = number
            self.isUrgent = isUrgent
        }
    }

    /// What became of a question.
    public enum WishAnswer: Hashable, Sendable {
        case granted
        case taken
        case open(retryAt: Instant)
        case closed(generation: Int)
        /// Nobody knows whether it was granted.
        case unknown
    }
}
