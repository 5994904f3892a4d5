public import ClusterState
internal import Decisions
internal import Registry
internal import Synchronization

/// A prober's line to the others: whose duty an instance is, whose turn, what was found, what all of them think.
///
/// All of it is asked and told beside the probes; when Redis does not answer, the prober goes on without.
public final class ProbeSharing: Sendable {
    private struct Inner {
        /// Up to here all verdicts are known.
        var version: Int64 = 0
        var readAt: Instant?
        var hasNews = true
        var suspicions: [(instance: String, replica: String)] = []
    }

    private let state: ClusterState
    private let membership: Membership
    private let inner = Mutex(Inner())
    private let bell = Bell()

    /// Changes of which no signal was heard are read after this time.
    static let readInterval: Duration = .seconds(1)
    static let suspicionsMax = 64

    public init(state: ClusterState, membership: Membership, signals: SignalListener) {
        self.state = state
        self.membership = membership
        signals.onSignal { [weak self] in self?.hear($0) }
    }

    var onDuty: [String] { self.membership.view.onDuty }

    /// Returns when somebody calls or the time is up.
    func wait(atMost limit: Duration, _ time: LoopTime) async { await self.bell.wait(atMost: limit, time) }

    /// Lets `read` read.
    func hurry() {
        self.inner.withLock { $0.hasNews = true }
        self.bell.ring()
    }

    func takeSuspicions() -> [(instance: String, replica: String)] {
        self.inner.withLock { inner in
            defer { inner.suspicions = [] }
            return inner.suspicions
        }
    }

    /// How long each is not due yet; zero: it is this replica's turn.
    func claim(_ keys: [InstanceKey], interval: Duration) async throws(StateError) -> [Duration] {
        var waits: [Duration] = []
        for start in stride(from: 0, to: keys.count, by: ClusterState.findingsMax) {
            let batch = Array(keys[start..<min(keys.count, start + ClusterState.findingsMax)])
            waits += try await self.state.claimProbes(batch, interval: interval)
        }
        return waits
    }

    func report(_ key: InstanceKey, _ result: ProbeResult, by replica: String, interval: Duration)
        async throws(StateError) -> FindingStatus
    {
        guard let kind = result.finding.map({ ToldFinding.Kind($0) }) else { return .same }
        let finding = ToldFinding(instance: key, kind: kind, latency: result.latency, error: result.error)
        return try await self.state.reportFindings([finding], by: replica, interval: interval).first ?? .same
    }

    /// What changed since the last time; nil when it is not time to read yet. Redis that lost its data is read anew.
    func read(now: Instant) async throws(StateError) -> VerdictNews? {
        let isDue = self.inner.withLock { inner in
            let isDue = inner.hasNews || inner.readAt.map { now - $0 >= Self.readInterval } ?? true
            if isDue { (inner.hasNews, inner.readAt) = (false, now) }
            return isDue
        }
        guard isDue else { return nil }
        var since = self.inner.withLock { $0.version }
        var news = VerdictNews()
        while true {
            let reading = try await self.state.verdicts(since: since)
            if reading.newest < since {
                (since, news.isAnew) = (0, true)
                continue
            }
            news.changed += reading.changed
            guard let last = reading.changed.last, last.version < reading.newest else {
                since = reading.newest
                break
            }
            since = last.version
        }
        self.inner.withLock { $0.version = since }
        return news
    }

    private func hear(_ signal: ClusterSignal) {
        switch signal {
        case .verdictChanged(_, let version):
            let isNews = self.inner.withLock { inner in
                if version != inner.version { inner.hasNews = true }
                return inner.hasNews
            }
            if isNews { self.bell.ring() }
        case .secondOpinion(let instance, let replica):
            self.inner.withLock { inner in
                if inner.suspicions.count < Self.suspicionsMax { inner.suspicions.append((instance, replica)) }
            }
            self.bell.ring()
        default: break
        }
    }
}

extension ToldFinding.Kind {
    init(_ finding: ProbeFinding) {
        switch finding {
        case .well: self = .well
        case .no: self = .no
        case .silence: self = .silence
        case .unresolved: self = .unresolved
        }
    }
}
