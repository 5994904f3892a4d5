public import Registry

/// One line of the audit: who did what to whom, and which epoch came of it.
public struct ClusterEvent: Hashable, Sendable {
    /// Grows with time; `after` of the next reading.
    public let id: String
    public let at: Timestamp
    public let actor: String
    /// Such as `registered`, `changed`, `removed`, `drained`, `undrained`, `expired`, `restored`.
    public let kind: String
    public let subject: String
    public let detail: String
    public let epoch: Epoch
}
