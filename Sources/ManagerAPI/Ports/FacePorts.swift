/// Everything the HTTP face asks of the rest of the replica; composition fills it in, tests put fakes there.
public struct FacePorts: Sendable {
    public var commands: any RegistryCommands
    public var snapshots: any SnapshotReads
    public var traffic: any Traffic
    public var health: any HealthReports
    public var store: any StoreStatus
    public var cluster: any ClusterView
    /// Nil: `/events` says that this replica keeps none.
    public var events: (any EventLog)?
    /// Nil: this replica takes no orders about models.
    public var models: (any ModelCommands)?
    /// Nil: this replica discovers nothing.
    public var discovery: (any DiscoveryReports)?
    public var replica: any ReplicaStatus
    public var clocks: ReplicaClocks
    /// Nil: `/train` says that this replica keeps none.
    public var jobs: (any JobBoard)?

    public init(
        commands: any RegistryCommands,
        snapshots: any SnapshotReads,
        traffic: any Traffic,
        health: any HealthReports,
        store: any StoreStatus,
        cluster: any ClusterView,
        events: (any EventLog)?,
        replica: any ReplicaStatus,
        clocks: ReplicaClocks
    ) {
        self.commands = commands
        self.snapshots = snapshots
        self.traffic = traffic
        self.health = health
        self.store = store
        self.cluster = cluster
        self.events = events
        self.replica = replica
        self.clocks = clocks
    }
}
