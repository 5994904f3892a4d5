public import Registry

/// Judges one instance by its probes, slow enough not to flap and fast enough to matter.
///
/// The thresholds follow Envoy (`health_check.proto`): the first success makes a new instance healthy, so that a start is
/// quick; after that two in a row are needed to come back. A clear no counts at once, silence only from the third time
/// on: a model that computes for ten seconds must not lose its traffic for being busy. Live traffic, which notices a
/// dead instance within a few requests, is judged by the breaker and not here.
/// The hard case is the name that does not resolve yet: such a service may be registered before it exists, so it stays
/// unknown, takes its chance, and turns unhealthy only if it was healthy once.
/// One machine may serve the whole cluster: it takes findings in the order in which they come, whoever probed.
/// That most of a pool seems to fall at once is dealt with where requests are sent (`Eligibility`, panic).
public struct ProbeMachine: Hashable, Sendable {
    public private(set) var verdict: Verdict = .unknown
    /// When the present verdict was reached, or the instance became known.
    public private(set) var since: Timestamp
    /// The last changes, the newest last; at most `historyMax`.
    public private(set) var history: [VerdictChange] = []
    private var successesInRow = 0
    private var failuresInRow = 0

    public static let riseMin = 2
    public static let fallMin = 3
    public static let historyMax = 20

    public init(since: Timestamp) {
        self.since = since
    }

    public enum ReportAction: Hashable, Sendable {
        case nothing
        /// Tell the data plane and the operator.
        case announce(VerdictChange)
    }

    /// A probe has ended; `reason` says for people what it found, if that was not well.
    public mutating func report(_ finding: ProbeFinding, reason: String?, at now: Timestamp) -> ReportAction {
        self.count(finding)
        guard let verdict = self.next(after: finding), verdict != self.verdict else { return .nothing }
        let change = VerdictChange(from: self.verdict, to: verdict, at: now, reason: reason)
        self.verdict = verdict
        self.since = now
        if self.history.count == Self.historyMax { self.history.removeFirst() }
        self.history.append(change)
        return .announce(change)
    }

    private mutating func count(_ finding: ProbeFinding) {
        switch (finding, self.verdict) {
        case (.well, _):
            self.successesInRow += 1
            self.failuresInRow = 0
        case (.unresolved, .unknown):
            self.successesInRow = 0
        case (.no, _), (.silence, _), (.unresolved, .healthy), (.unresolved, .unhealthy):
            self.successesInRow = 0
            self.failuresInRow += 1
        }
    }

    /// Nil: as before.
    private func next(after finding: ProbeFinding) -> Verdict? {
        switch (finding, self.verdict) {
        case (.well, .unknown), (.well, .healthy): .healthy
        case (.well, .unhealthy): self.successesInRow >= Self.riseMin ? .healthy : nil
        case (.no, _): .unhealthy
        case (.silence, _), (.unresolved, _): self.failuresInRow >= Self.fallMin ? .unhealthy : nil
        }
    }
}
