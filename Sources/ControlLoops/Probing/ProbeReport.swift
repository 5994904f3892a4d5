public import Decisions
public import Registry

/// What the probes know of one instance, for people.
public struct ProbeReport: Hashable, Sendable {
    public var key: InstanceKey
    public var verdict: Verdict
    /// Nil before the first probe has ended.
    public var lastCheck: Timestamp?
    /// How long the last answer took; nil when there was none.
    public var latency: Duration?
    /// The replica that probed last.
    public var checkedBy: String
    /// Why the last probe did not find the instance well.
    public var error: String?
    /// When the verdict was reached.
    public var since: Timestamp
    /// Oldest first, bounded.
    public var history: [VerdictChange]

    public init(key: InstanceKey, machine: ProbeMachine, checkedBy: String) {
        self.key = key
        self.verdict = machine.verdict
        self.lastCheck = nil
        self.latency = nil
        self.checkedBy = checkedBy
        self.error = nil
        self.since = machine.since
        self.history = machine.history
    }
}
