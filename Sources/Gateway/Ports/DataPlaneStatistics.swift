public import Registry

/// What the event loops counted, summed. A copy; reading it costs the request path one hop per loop.
public struct DataPlaneStatistics: Sendable {
    public var requests: Int64 = 0
    public var failures: Int64 = 0
    public var retries: Int64 = 0
    public var retriesRefusedByBudget: Int64 = 0
    public var inFlight = 0
    public var connections = 0
    /// Requests that wait for this replica to catch up.
    public var held = 0
    /// Requests that took the strict parser, and those that NIO's parser and the router served.
    public var fastRequests: Int64 = 0
    public var generalRequests: Int64 = 0
    /// Picks that ignored probe verdicts because they called more than half of a pool unhealthy.
    public var panics: Int64 = 0
    /// Moves of breakers as this replica carried them out, by the phase they came to.
    public var breakerMoves: [BreakerPhase: Int64] = [:]
    /// Requests sent to half-open instances to find out.
    public var breakerProbes: Int64 = 0
    /// Answers by status class: 1xx…5xx at index 0…4.
    public var answers: [Int64] = [0, 0, 0, 0, 0]
    /// The manager's own errors by `code`.
    public var problems: [String: Int64] = [:]
    /// Requests that wait now because only permits lack.
    public var queueWaiting = 0
    /// Requests that began to wait; that were refused because the queue was full; that waited too long.
    public var queueEntered: Int64 = 0
    public var queueRefused: Int64 = 0
    public var queueTimedOut: Int64 = 0
    /// How long those waited that got a permit.
    public var queueWait = LatencyBuckets()
    public var services: [ServiceID: ServiceTraffic] = [:]
    /// Time spent in the manager, without the instances: buckets of `LatencyBuckets`.
    public var overhead = LatencyBuckets()

    public init() {}
}

/// The live state of one instance as the data plane sees it.
public struct InstanceState: Sendable {
    public var key: InstanceKey
    public var verdict: Verdict
    public var breaker: BreakerPhase
    /// Failures counted towards the next trip.
    public var failures: Int
    public var trips: Int
    public var openedAt: Instant?
    public var retryAt: Instant?
    public var inFlight: Int
    public var isDraining: Bool
    /// How many requests may be in flight there from this replica; nil: no limit.
    public var permitsHeld: Int?

    public init(key: InstanceKey) {
        self.key = key
        self.verdict = .unknown
        self.breaker = .closed
        self.failures = 0
        self.trips = 0
        self.openedAt = nil
        self.retryAt = nil
        self.inFlight = 0
        self.isDraining = false
    }
}

/// Why an instance would or would not be picked now; the answer of `GET /explain`.
public struct Explanation: Sendable {
    public struct Candidate: Sendable {
        public var key: InstanceKey
        public var eligible: Bool
        /// Sentences such as `breaker open for 3.2 s more`.
        public var reasons: [String]

        public init(key: InstanceKey, eligible: Bool, reasons: [String]) {
            self.key = key
            self.eligible = eligible
            self.reasons = reasons
        }
    }

    public var candidates: [Candidate]
    public var wouldPick: InstanceKey?
    /// Set when no pool could be found: the problem a request would get.
    public var problem: Problem?

    public init(candidates: [Candidate], wouldPick: InstanceKey?, problem: Problem?) {
        self.candidates = candidates
        self.wouldPick = wouldPick
        self.problem = problem
    }
}
