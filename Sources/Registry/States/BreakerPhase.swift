/// Whether a breaker lets traffic to its instance. Linkerd uses open and closed the other way round.
public enum BreakerPhase: String, Hashable, Sendable, CaseIterable {
    /// Traffic flows. Can move to `open`.
    case closed
    /// Traffic is rejected until the cooldown ends. Can move to `halfOpen`.
    case open
    /// A bounded number of probe requests finds out. Can move to `closed` and `open`.
    case halfOpen = "half_open"
}
