/// How a pool's requests are spread over its instances.
public enum BalanceStrategy: String, Hashable, Sendable, CaseIterable {
    case roundRobin = "round_robin"
    case weightedRoundRobin = "weighted_round_robin"
    case leastRequests = "least_requests"
    case powerOfTwo = "power_of_two"
    case latency
    case consistentHash = "consistent_hash"
    case random
}
