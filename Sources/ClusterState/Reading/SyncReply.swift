/// What the store says to a replica that tells it how far it is.
public enum SyncReply: Hashable, Sendable {
    /// There is no data set: begin one.
    case empty
    /// The replica is where the store is.
    case unchanged(StoreHead)
    /// These changes follow the replica's epoch; there may be more after them.
    case delta(StoreHead, [LogEntry])
    /// The log no longer reaches back, or the replica followed another generation: read everything.
    case full(StoreHead)
    /// As `full`; besides, changes that the replica has seen are gone.
    case lost(StoreHead)
}
