/// What one probe of an instance found, as far as it matters for the verdict.
public enum ProbeFinding: Hashable, Sendable, CaseIterable {
    /// A complete 2xx answer.
    case well
    /// A complete answer of another status, or a refused connection: somebody said no, there is nothing to wait for.
    case no
    /// Timeout, reset, an answer that breaks off or is no HTTP: perhaps busy, perhaps a lost packet.
    case silence
    /// The host's name has no address now. Says nothing against an instance that was never seen.
    case unresolved
}
