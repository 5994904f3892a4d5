public import Registry

/// One change of the registry, chained to the one before it.
public struct LogEntry: Hashable, Sendable {
    public let epoch: Epoch
    /// The epoch that this change followed: a replica applies it only when it stands exactly there.
    public let previous: Epoch
    /// Nil for a change of a kind that this build does not know; it moves the epoch and nothing else.
    public let record: RegistryRecord?

    public init(epoch: Epoch, previous: Epoch, record: RegistryRecord?) {
        self.epoch = epoch
        self.previous = previous
        self.record = record
    }
}
