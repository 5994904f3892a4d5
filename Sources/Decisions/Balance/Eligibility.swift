public import Registry

/// Which members of a pool may take a request now.
///
/// Three judges speak about an instance: an operator (draining), live traffic (breaker) and the probes (verdict). Only
/// the probes may be overruled: when they call more than half of the pool unhealthy, the fault is more likely in the
/// probing, or all is lost anyway, so their verdicts are ignored (panic) rather than failing every request.
/// The hard case is the half-open member: it takes no part in balancing, yet must get a request, or it would never
/// come back. It is listed apart, and a request goes there first when its breaker admits a probe.
public struct Eligibility: Hashable, Sendable {
    /// What is known of one member.
    public struct Facts: Hashable, Sendable {
        public var verdict: Verdict
        public var breaker: BreakerPhase
        public var isDraining: Bool

        public init(verdict: Verdict = .unknown, breaker: BreakerPhase = .closed, isDraining: Bool = false) {
            self.verdict = verdict
            self.breaker = breaker
            self.isDraining = isDraining
        }
    }

    /// Indexes of the members that balancing chooses from, ascending.
    public let eligible: [Int]
    /// Indexes of the half-open members, ascending. Ask the breaker for a probe right before sending one a request.
    public let probing: [Int]
    /// Verdicts were ignored. True only if that changed who is eligible or probing, so each such pick may be counted.
    public let isPanic: Bool

    /// Judges the whole pool, given in its order.
    public init(_ members: [Facts]) {
        let rotation = members.lazy.filter { !$0.isDraining }
        let unhealthy = rotation.filter { $0.verdict == .unhealthy }.count
        let ignoresVerdicts = unhealthy * 2 > rotation.count
        var (eligible, probing, isPanic) = ([Int](), [Int](), false)
        for (index, facts) in members.enumerated() where !facts.isDraining && facts.breaker != .open {
            if facts.verdict == .unhealthy {
                guard ignoresVerdicts else { continue }
                isPanic = true
            }
            if facts.breaker == .closed { eligible.append(index) } else { probing.append(index) }
        }
        self.eligible = eligible
        self.probing = probing
        self.isPanic = isPanic
    }
}
