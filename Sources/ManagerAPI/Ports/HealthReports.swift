public import Registry

/// What the probes know of the instances.
public protocol HealthReports: Sendable {
    /// Empty when nothing was probed yet.
    func report(of service: ServiceID) async -> HealthReport
    /// Probes every instance of the service once, now; bounded by the probe's own timeout.
    func probeNow(_ service: ServiceID) async
    /// Probes that this replica has made.
    var probeTally: ProbeTally { get }
}

extension HealthReports {
    public var probeTally: ProbeTally { ProbeTally() }
}

/// How many probes there were, by what they found and why they were made.
public struct ProbeTally: Hashable, Sendable {
    public var well: Int64
    public var failed: Int64
    public var opinions: Int64

    public init(well: Int64 = 0, failed: Int64 = 0, opinions: Int64 = 0) {
        self.well = well
        self.failed = failed
        self.opinions = opinions
    }
}

/// The probes of one service: the present state of each instance, and what led to it.
public struct HealthReport: Hashable, Sendable {
    public var instances: [InstanceHealth]
    /// Newest first, bounded by who keeps it.
    public var history: [ProbeRecord]

    public init(instances: [InstanceHealth] = [], history: [ProbeRecord] = []) {
        self.instances = instances
        self.history = history
    }
}

/// The latest probe of one instance, and since when its verdict stands.
public struct InstanceHealth: Hashable, Sendable {
    public var url: ServiceURL
    public var verdict: Verdict
    public var lastCheck: Timestamp?
    public var latency: Duration?
    /// The replica that probed.
    public var checkedBy: String?
    /// A sentence; nil when the last probe succeeded.
    public var error: String?
    public var since: Timestamp?

    public init(url: ServiceURL, verdict: Verdict = .unknown) {
        self.url = url
        self.verdict = verdict
        self.lastCheck = nil
        self.latency = nil
        self.checkedBy = nil
        self.error = nil
        self.since = nil
    }
}

/// One probe that changed something, or one of the last few.
public struct ProbeRecord: Hashable, Sendable {
    public var at: Timestamp
    public var url: ServiceURL
    public var verdict: Verdict
    public var latency: Duration?
    public var error: String?

    public init(at: Timestamp, url: ServiceURL, verdict: Verdict, latency: Duration? = nil, error: String? = nil) {
        self.at = at
        self.url = url
        self.verdict = verdict
        self.latency = latency
        self.error = error
    }
}
