public import ClusterState
public import Registry

/// What a replica knew of the registry when it last kept it, to begin with when Redis cannot be reached.
public struct KeptRegistry: Hashable, Sendable {
    public var generation: Generation
    public var epoch: Epoch
    /// Redis' clock when it last answered.
    public var contact: Timestamp
    public var records: [RegistryRecord]

    public init(generation: Generation, epoch: Epoch, contact: Timestamp, records: [RegistryRecord]) {
        self.generation = generation
        self.epoch = epoch
        self.contact = contact
        self.records = records
    }
}
