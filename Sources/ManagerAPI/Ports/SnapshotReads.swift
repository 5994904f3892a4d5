public import Registry

/// The registry as this replica knows it.
public protocol SnapshotReads: Sendable {
    /// Nil until the first snapshot was loaded.
    var snapshot: RegistrySnapshot? { get }
    /// True as soon as the snapshot is that of the epoch or a later one; false when the time is up.
    func waitForEpoch(_ epoch: Epoch, within limit: Duration) async -> Bool
}
