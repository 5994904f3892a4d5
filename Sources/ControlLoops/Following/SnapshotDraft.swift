public import Registry

/// What a snapshot is made of, taken from the machine in no time, so that the making need not hold up the following.
public struct SnapshotDraft: Hashable, Sendable {
    /// Two drafts of one revision make equal snapshots.
    public let revision: Int
    public let epoch: Epoch
    /// Sorted by id.
    public let services: [Service]
    public let pointers: [ModelType: ModelPointers]

    /// What is the same in `old` is taken from there.
    public func snapshot(after old: RegistrySnapshot? = nil) -> RegistrySnapshot {
        RegistrySnapshot(epoch: self.epoch, services: self.services, pointers: self.pointers, after: old)
    }
}
