public import Registry

/// What one request may cost: its deadline and its tries.
public struct ExchangePolicy: Sendable, Hashable {
    /// Instant by which the first byte of an answer must be here, retries included.
    public var deadline: Instant
    /// Further attempts after the first one.
    public var retriesMax: Int
    /// Upper bound of the first random wait before an instance is tried again; doubles with each wait.
    public var retryDelay: Duration
    /// False for a request that must not run twice (`/train`): only what was never sent is tried again.
    public var isRepeatable: Bool

    public init(deadline: Instant, retriesMax: Int, retryDelay: Duration, isRepeatable: Bool = true) {
        self.deadline = deadline
        self.retriesMax = retriesMax
        self.retryDelay = retryDelay
        self.isRepeatable = isRepeatable
    }
}
