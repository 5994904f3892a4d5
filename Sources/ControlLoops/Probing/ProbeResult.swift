internal import Decisions
internal import Gateway

/// How one probe ended: the finding for the rule, the words for people.
struct ProbeResult: Sendable, Hashable {
    /// Nil when the probe could not be made: nothing is known.
    var finding: ProbeFinding?
    /// Nil when well.
    var error: String?
    /// From the call to the complete answer; nil without an answer.
    var latency: Duration?
    /// The instance held the probe until its deadline.
    var keptWaiting: Bool

    init(answer status: Int, after latency: Duration) {
        let isWell = (200...299).contains(status)
        self.finding = isWell ? .well : .no
        self.error = isWell ? nil : "status \(status)"
        self.latency = latency
        self.keptWaiting = false
    }

    init(_ failure: UpstreamFailure) {
        switch failure.kind {
        case .connectRefused, .denied: self.finding = .no
        case .resolve: self.finding = .unresolved
        case .exhausted: self.finding = nil
        case .connectTimeout, .tls, .reset, .timeout, .brokenAnswer: self.finding = .silence
        }
        self.error = failure.detail.isEmpty ? failure.kind.rawValue : "\(failure.kind.rawValue): \(failure.detail)"
        self.latency = nil
        self.keptWaiting = failure.kind == .timeout || failure.kind == .connectTimeout
    }
}
