/// Whether Redis can be used now, as `Redis` last saw it.
public enum RedisState: Sendable, Hashable {
    /// Usable. The latency is the round trip of the latest sign of life.
    case connected(latency: Duration)
    /// Not usable since then, for the reason of the latest attempt.
    case disconnected(since: ContinuousClock.Instant, reason: RedisError)

    public var isConnected: Bool {
        switch self {
        case .connected: true
        case .disconnected: false
        }
    }
}
