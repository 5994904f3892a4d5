public import Registry

/// A service as the store has it after a change was made or found to be none.
public struct Committed: Hashable, Sendable {
    public enum Change: String, Hashable, Sendable {
        case created, changed
        /// It was so already; nothing happened.
        case same
    }

    public let service: Service
    public let change: Change
    /// Of the change; for `same` the one that made the service what it is.
    public let epoch: Epoch
    /// The change as the log has it, so that the replica that made it need not wait for the log. Nil for `same`.
    public let entry: LogEntry?
    /// Nil unless the operator asked to wait for Redis replicas.
    public let durability: Durability?
}

/// A service was removed.
public struct Removed: Hashable, Sendable {
    public let id: ServiceID
    public let epoch: Epoch
    /// The change as the log has it.
    public let entry: LogEntry
    public let durability: Durability?
}

/// What a service is expected to be before it is changed.
public enum Expectation: Hashable, Sendable {
    case anything
    case absent
    case epoch(Epoch)

    var text: String {
        switch self {
        case .anything: ""
        case .absent: "0"
        case .epoch(let epoch): epoch.description
        }
    }
}

/// What a heartbeat found.
public enum Heartbeat: Hashable, Sendable {
    /// The service must heartbeat again within this time.
    case renewed(Duration)
    /// The service has no lease; it stays anyway.
    case unlimited
}
