/// What one sentinel says about a primary.
struct SentinelAnswer: Sendable, Hashable {
    /// Where the primary is: the address that it announces, which behind a NAT is another one than its own.
    let primary: RedisAddress.SentinelHost
    /// Rises with every failover that sentinels agreed on; nil when this sentinel does not tell.
    var configEpoch: Int64?
    /// Other sentinels that watch the same primary.
    var others: [RedisAddress.SentinelHost] = []
}
