public import Registry

/// One line of an instance's history: it was found to be something else than before.
public struct VerdictChange: Hashable, Sendable {
    public var from: Verdict
    public var to: Verdict
    public var at: Timestamp
    /// What the last probe found; nil when it found the instance well.
    public var reason: String?

    public init(from: Verdict, to: Verdict, at: Timestamp, reason: String?) {
        self.from = from
        self.to = to
        self.at = at
        self.reason = reason
    }
}
