public import Registry

/// What became of an order about a model type.
public enum ModelReply: Hashable, Sendable {
    case changed(ModelChange)
    /// It was so already; the epoch is that of the change that made it so.
    case same(Epoch)
    case refused(ModelRefusal)
}

/// A change of a model type that the store has.
public struct ModelChange: Hashable, Sendable {
    public let epoch: Epoch
    /// The change as the log has it.
    public let entry: LogEntry
    /// Nil unless the operator asked to wait for Redis replicas.
    public let durability: Durability?
}

/// Why the store did not do what was ordered.
public enum ModelRefusal: Hashable, Sendable {
    /// There is no such model type.
    case absent
    /// Another version is the latest than the caller expected.
    case unexpected(latest: String)
    case unknown(version: String)
    case notReady(state: String, version: String)
    /// A rollout to the version is under way.
    case rolling(version: String)
    /// The traffic is split by hand, in these shares, and a canary would replace them.
    case split(shares: String)
    /// A passed test of the version is demanded, and the last one was `failed`, or there was `none`.
    case unevaluated(verdict: String)
    /// There is no version before the latest.
    case noHistory
    case noAlias
    /// The alias would bear a version's name.
    case isVersion
    /// What still points at the version: `latest`, `traffic`, `shadow`, `rollout`, `alias <name>`.
    case inUse(by: String, state: String)
    /// The version is being brought to services.
    case notRetirable(state: String)
    /// The version was made of this artifact, and the order names another one.
    case otherArtifact(String)
    /// The version is in a state in which it cannot be brought to services.
    case notDeployable(state: String)
    /// The caller leads no longer.
    case fenced
    /// The rollout is not where the caller saw it.
    case stale
}
