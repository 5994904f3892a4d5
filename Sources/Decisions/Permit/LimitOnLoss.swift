/// What becomes of permits when Redis has not been heard for as long as a session can be trusted
/// (`LIMIT_ON_REDIS_LOSS`).
public enum LimitOnLoss: String, Hashable, Sendable, CaseIterable {
    /// Keep using what is held. When Redis is away for all, the limit still holds: only Redis grants. A replica that is
    /// cut off alone exceeds it by what it held.
    case hold
    /// Admit nothing on services with a limit.
    case strict
}
