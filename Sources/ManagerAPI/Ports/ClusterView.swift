public import Registry

/// The replicas and their leader, as this replica knows them.
public protocol ClusterView: Sendable {
    func cluster() async -> ClusterCondition
    /// Whether another replica may have a request in flight at a service that drains since the epoch, as far as is known
    /// here: at most about a second old.
    func othersMayHold(_ service: ServiceID, drainingSince epoch: Epoch) async -> Bool
    /// What callers of all replicas got; nil while Redis cannot be asked.
    func servedTraffic() async -> ServedTraffic?
}

/// The cluster at one moment.
public struct ClusterCondition: Hashable, Sendable {
    public struct Replica: Hashable, Sendable {
        public enum Role: String, Hashable, Sendable { case leader, follower }

        public var id: String
        public var role: Role
        public var epoch: Epoch
        /// Nil for a replica that holds no lease because it is alone.
        public var leaseExpiresIn: Duration?
        public var inFlight: Int
        public var startedAt: Timestamp
        public var version: String

        public init(
            id: String,
            role: Role,
            epoch: Epoch,
            leaseExpiresIn: Duration? = nil,
            inFlight: Int,
            startedAt: Timestamp,
            version: String
        ) {
            self.id = id
            self.role = role
            self.epoch = epoch
            self.leaseExpiresIn = leaseExpiresIn
            self.inFlight = inFlight
            self.startedAt = startedAt
            self.version = version
        }
    }

    public struct Leader: Hashable, Sendable {
        public var id: String
        public var term: Int64

        public init(id: String, term: Int64) {
            self.id = id
            self.term = term
        }
    }

    public var replicas: [Replica]
    public var leader: Leader?

    public init(replicas: [Replica], leader: Leader?) {
        self.replicas = replicas
        self.leader = leader
    }
}
