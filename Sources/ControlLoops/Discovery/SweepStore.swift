public import ClusterState
public import Registry

/// What every source of a sweep needs of the shared truth.
public struct SweepStore: Sendable {
    let state: ClusterState
    /// The epoch that changes must surpass, and where their entries go at once; the follower's.
    let floor: @Sendable () -> Epoch
    let noteEntry: @Sendable (LogEntry) -> Void
    let snapshot: @Sendable () -> RegistrySnapshot

    public init(
        state: ClusterState,
        floor: @escaping @Sendable () -> Epoch,
        note: @escaping @Sendable (LogEntry) -> Void,
        snapshot: @escaping @Sendable () -> RegistrySnapshot
    ) {
        self.state = state
        self.floor = floor
        self.noteEntry = note
        self.snapshot = snapshot
    }
}

extension SweepStore {
    /// A change that Redis acknowledged goes into this replica's next snapshot at once. Says whether there was one.
    func note(_ reply: SightingReply<Committed>) -> Bool {
        if case .done(let committed) = reply { self.note(committed) } else { false }
    }

    func note(_ committed: Committed) -> Bool {
        if let entry = committed.entry { self.noteEntry(entry) }
        return committed.entry != nil
    }

    func note(_ reply: SightingReply<Removed>) -> Bool {
        guard case .done(let removed) = reply else { return false }
        self.noteEntry(removed.entry)
        return true
    }
}
