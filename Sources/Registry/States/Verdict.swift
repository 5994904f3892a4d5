/// What the probes say of an instance. Live traffic is judged by the breaker, not here.
public enum Verdict: String, Hashable, Sendable, CaseIterable {
    /// Not probed often enough yet; takes traffic like a healthy one. Can move to both others.
    case unknown
    /// The last probes succeeded. Can move to `unhealthy`.
    case healthy
    /// The last probes failed; takes traffic only in a panic. Can move to `healthy`.
    case unhealthy
}
