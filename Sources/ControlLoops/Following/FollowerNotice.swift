public import ClusterState

/// Something about the registry that people should know.
public enum FollowerNotice: Hashable, Sendable {
    /// A record cannot be read; the service keeps the form it had.
    case unreadable(RecordKey, reason: String)
    /// So many records that Redis had lost were given back.
    case restored(Int)
    /// Redis holds another, older data set than the one followed so far: it was taken as it is.
    case foreign(Generation)
    /// The store's records and its digest contradict each other, even after counting.
    case contradictory
}
