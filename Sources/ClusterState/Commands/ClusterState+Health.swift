internal import RedisClient
public import Registry

/// What one probe found, as it is told to the cluster.
public struct ToldFinding: Hashable, Sendable {
    /// As `ProbeFinding` of the rules.
    public enum Kind: String, Hashable, Sendable { case well, no, silence, unresolved }

    public var instance: InstanceKey
    public var kind: Kind
    /// Until the complete answer; nil without one.
    public var latency: Duration?
    /// A sentence; nil when well.
    public var error: String?

    public init(instance: InstanceKey, kind: Kind, latency: Duration?, error: String?) {
        self.instance = instance
        self.kind = kind
        self.latency = latency
        self.error = error
    }

    var words: [RedisWord] {
        let microseconds = self.latency.map { String($0.inNanoseconds / 1000) } ?? ""
        let texts = [self.instance.description, self.kind.rawValue, microseconds, self.error ?? ""]
        return texts.map { RedisWord($0) }
    }
}

/// What the cluster made of a finding.
public enum FindingStatus: String, Hashable, Sendable {
    case same
    case changed
    /// Another replica is asked before the instance counts as down.
    case suspected
    /// This replica found well what another one suspected.
    case dismissed
}

extension ClusterState {
    /// Takes the turn to probe instances, at most `findingsMax` of them: how long each is not due yet; zero: now.
    public func claimProbes(_ instances: [InstanceKey], interval: Duration) async throws(StateError) -> [Duration] {
        precondition(instances.count <= Self.findingsMax, "\(instances.count) instances in one call")
        let words = [Self.milliseconds(interval)] + instances.map(\.description)
        var reply = try await self.call("health_claim", words.map { RedisWord($0) })
        var waits: [Duration] = []
        for _ in instances { waits.append(.milliseconds(try reply.integer())) }
        return waits
    }

    /// Tells what probes found, of at most `findingsMax` instances.
    public func reportFindings(
        _ findings: [ToldFinding],
        by replica: String,
        interval: Duration
    ) async throws(StateError) -> [FindingStatus] {
        precondition(findings.count <= Self.findingsMax, "\(findings.count) findings in one call")
        let head = [replica, Self.milliseconds(interval)].map { RedisWord($0) }
        var reply = try await self.call("health_report", head + findings.flatMap(\.words))
        var statuses: [FindingStatus] = []
        for _ in findings {
            let text = try reply.text()
            guard let status = FindingStatus(rawValue: text) else {
                throw StateError(.unreadable, "health_report answered \(text)")
            }
            statuses.append(status)
        }
        return statuses
    }

    /// Verdicts that changed after the version, the oldest first; a full reading has more behind it.
    public func verdicts(since version: Int64) async throws(StateError) -> VerdictReading {
        var reply = try await self.call("health_read", [RedisWord(version)])
        let newest = try reply.integer()
        var changed: [VerdictSight] = []
        for item in reply.rest() {
            if let sight = try VerdictSight(item) { changed.append(sight) }
        }
        return VerdictReading(newest: newest, changed: changed)
    }

    /// All that is known of the instances, in their order; nil for one that was never probed.
    public func health(
        of instances: [InstanceKey],
        within limit: Duration? = nil
    ) async throws(StateError) -> [InstanceRecord?] {
        var reply = try await self.call("health_show", instances.map { RedisWord($0.description) }, within: limit)
        var records: [InstanceRecord?] = []
        for instance in instances {
            var part = try ReplyReader(.array(try reply.list()), of: "health_show")
            let fields = try part.fields()
            let history = try part.list().compactMap { $0.string }
            records.append(InstanceRecord(instance: instance, fields: fields, history: history))
        }
        return records
    }

    /// Forgets the health of instances that have left the registry.
    public func forgetHealth(of instances: [InstanceKey]) async throws(StateError) {
        guard !instances.isEmpty else { return }
        _ = try await self.call("health_forget", instances.map { RedisWord($0.description) })
    }

    /// Keeps a call below a few milliseconds in Redis.
    public static let findingsMax = 64
}
