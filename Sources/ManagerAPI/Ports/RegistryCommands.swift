public import ClusterState
public import Registry

/// Changes of the registry, and reads that ask the store itself.
///
/// The routes know neither Redis nor its Functions: what they ask for comes back committed, with its epoch, or as a
/// `Problem` such as `store_unavailable`.
public protocol RegistryCommands: Sendable {
    /// Idempotent: registering what is registered changes nothing.
    func register(_ definition: ServiceDefinition) async throws(Problem) -> CommittedChange
    func change(_ id: ServiceID, _ patch: ServicePatch) async throws(Problem) -> CommittedChange
    func remove(_ id: ServiceID) async throws(Problem) -> CommittedChange
    func setDraining(_ id: ServiceID, to draining: Bool) async throws(Problem) -> CommittedChange
    /// Renews the lease of a service that has one; `service_not_found` when it must register again.
    func heartbeat(_ id: ServiceID) async throws(Problem) -> Heartbeat
    /// What the store says now, whatever this replica's snapshot says.
    func service(_ id: ServiceID) async throws(Problem) -> Service?
    /// The epoch of the newest change in the store.
    func storeEpoch() async throws(Problem) -> Epoch
}

/// A change that the store has.
public struct CommittedChange: Hashable, Sendable {
    public enum Kind: Hashable, Sendable { case created, changed, unchanged, removed }

    /// How far the change has come; told only when the operator asked to wait for Redis replicas.
    public enum Durability: String, Hashable, Sendable { case stored, replicated }

    public var kind: Kind
    public var epoch: Epoch
    /// The service as it is now; nil when it was removed.
    public var service: Service?
    public var durability: Durability?

    public init(kind: Kind, epoch: Epoch, service: Service?, durability: Durability? = nil) {
        self.kind = kind
        self.epoch = epoch
        self.service = service
        self.durability = durability
    }
}
