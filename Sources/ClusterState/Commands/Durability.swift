/// How far an acknowledged change has come; known only when the operator asked to wait for Redis replicas.
public enum Durability: String, Hashable, Sendable {
    /// The primary has it; a failover within the next moments may lose it, unless a replica of ours remembers it.
    case stored
    /// As many Redis replicas as asked for have it.
    case replicated
}
