public import Decisions
public import Registry

/// What the data plane is told at its start and keeps for its life.
public struct DataPlaneSettings: Sendable {
    /// Shown in `x-mm-replica` and in `via`, where it also detects loops.
    public var replicaID: String
    public var strategy: BalanceStrategy = .roundRobin
    /// Further attempts after the first one.
    public var retriesMax = 3
    /// Upper bound of the first random wait before an instance is tried again; doubles from there.
    public var retryDelay: Duration = .seconds(1)
    /// Total deadline of a request whose service names none, retries included.
    public var timeout: Duration = .seconds(30)
    public var bodyBytesMax = 16 * 1024 * 1024
    public var breaker = BreakerPolicy()
    public var hosts = HostPolicy()
    /// Whom `https` instances are trusted by, beside the authorities of the system.
    public var authorities: ServiceAuthorities?
    /// Time for a request's head to arrive.
    public var headTimeout: Duration = .seconds(10)
    /// How long a connection without a request stays open, and how long a caller may stall inside a body.
    public var idleTimeout: Duration = .seconds(60)
    /// How long at most a request waits for the replica to catch up after a pause; a sweep's time less than a second.
    public var catchUpWaitMax: Duration = .milliseconds(900)
    public var connectTimeout: Duration = .seconds(1)
    /// Connections of callers; further ones are closed at once.
    public var connectionsMax = 10_000
    /// Connections to instances, the manager's own calls included; who needs a further one finds it overloaded.
    public var upstreamConnectionsMax = 10_000
    /// How long a server may take to say what its model's first input is called. The request that needs it waits so long at
    /// most, and goes on under the usual name.
    public var inputAskTimeout: Duration = .seconds(2)
    /// Requests that may wait because only permits lack; beyond, they are refused at once. Large: a burst waits long
    /// before it fails. Small: it fails although there would be room in a moment.
    public var queueLimit = 1024
    /// How long one of them may wait, within its deadline.
    public var queueTimeout: Duration = .seconds(5)
    /// Limits of instances hold for all replicas together: nothing may be in flight at one until `grantPermits` says so.
    /// False: each replica has the whole limit for itself.
    public var sharesLimits = false
    /// Callers must show who they are: the door lets in whom it knows, and leaves the others to the general one.
    public var authenticates = false
    /// Where round-robin tickets of the replica's own begin; another number on each replica.
    public var ticketStart: UInt64 = 0

    public init(replicaID: String) {
        self.replicaID = replicaID
    }

    /// Lowers both numbers of connections to what so many open files allow.
    ///
    /// As many for callers as to instances, so that neither side can take the other's; and some for everything else,
    /// without which a process does not merely wait: libdispatch ends one that cannot read its threads' state.
    public mutating func fit(filesMax: Int, eventLoops: Int) {
        let others = min(filesMax / 2, Self.otherFiles + Self.filesPerLoop * eventLoops)
        let each = max(1, (filesMax - others) / 2)
        self.connectionsMax = min(self.connectionsMax, each)
        self.upstreamConnectionsMax = min(self.upstreamConnectionsMax, each)
    }

    /// Redis, listeners, files of the replica, questions to name servers.
    private static let otherFiles = 128
    private static let filesPerLoop = 4
}
