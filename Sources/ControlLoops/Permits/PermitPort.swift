internal import Decisions
public import Registry

/// What the reserver needs of the data plane, which admits a request to an instance with a limit when fewer are in
/// flight there than it was granted, and else lets it wait.
///
/// Whoever implements it calls `PermitReserver.wake()` when a request begins to wait for a permit, and when a request
/// has ended at an instance where as many or more are in flight than granted; the latter only while permits are wanted.
public protocol PermitPort: Sendable {
    /// Every instance that has a limit, or whose requests have not all ended since it had one or was in the registry.
    func demand() -> [PermitDemand]
    /// From now on so many requests may be in flight there; none until told. Returns how many are, read after the new
    /// figure stands: an admission that this number misses must have seen the new figure.
    func grant(_ held: Int, to key: InstanceKey) -> Int
    /// Whether other replicas want permits that may be in use here; they are until told.
    func setWanted(_ areWanted: Bool)
}

/// An instance with a limit, as it is now.
public struct PermitDemand: Hashable, Sendable {
    public var key: InstanceKey
    public var limit: Int
    /// Epoch of the service: of two limits the newer one counts in the whole cluster.
    public var limitEpoch: Epoch
    public var inFlight: Int
    /// Requests that wait for a permit.
    public var waiting: Int

    public init(key: InstanceKey, limit: Int, limitEpoch: Epoch, inFlight: Int, waiting: Int) {
        self.key = key
        self.limit = limit
        self.limitEpoch = limitEpoch
        self.inFlight = inFlight
        self.waiting = waiting
    }

    var rule: PermitHolder.Demand {
        PermitHolder.Demand(
            limit: self.limit,
            limitEpoch: self.limitEpoch,
            inFlight: self.inFlight,
            waiting: self.waiting
        )
    }
}
