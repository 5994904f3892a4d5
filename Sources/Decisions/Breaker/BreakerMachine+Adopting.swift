public import Registry

/// What a machine is told by somebody who knows more: the cluster, when there is one.
extension BreakerMachine {
    public enum Decision: Hashable, Sendable {
        case closed
        case open(since: Instant, until: Instant, trips: Int)
        case halfOpen(since: Instant, trips: Int)
    }

    /// Goes on from there, as if it had come there by itself.
    public mutating func adopt(_ decision: Decision, now: Instant) {
        switch decision {
        case .closed: self.closeByOrder(now: now)
        case .open(let since, let until, let trips): self.leave(to: .open(since: since, until: until), trips: trips)
        case .halfOpen(let since, let trips):
            self.leave(to: .halfOpen(since: since, probes: [], successes: 0), trips: trips)
        }
    }

    /// A request that was sent to find out has found out, though not with a probe of this machine.
    public mutating func conclude(_ outcome: ProbeOutcome, now: Instant) -> ProbeEndedAction {
        guard case .halfOpen = self.state else { return .nothing }
        switch outcome {
        case .neutral: return .nothing
        case .success:
            self.closeByOrder(now: now)
            return .reset
        case .failure: return .trip(until: self.openAgain(now: now))
        }
    }
}
