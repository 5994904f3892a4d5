public import Registry

/// Who lives and who leads, as Redis had it when it answered a beat.
public struct ClusterSight: Hashable, Sendable {
    /// Milliseconds on the lease clock.
    public let leaseClock: Int64
    public let leader: LeaderSight
    /// Every live replica once, the one that asked included; sorted by id.
    public let replicas: [ReplicaSight]
    /// A session that beats under the same replica id as the one that asked: two replicas bear one `REPLICA_ID`.
    public let namesake: String?

    /// How long Redis keeps a session without another beat; zero for one that it does not have.
    public func remaining(of session: String) -> Duration {
        self.replicas.first { $0.session == session }?.remaining ?? .zero
    }
}

/// What Redis knows of the leadership.
public struct LeaderSight: Hashable, Sendable {
    /// Nil when nobody ever led or the last one resigned.
    public let holder: String?
    /// Of the holder, or of the last one.
    public let term: Term
    /// Until the lease runs out; zero when it has.
    public let remaining: Duration

    public init(holder: String?, term: Term, remaining: Duration) {
        self.holder = holder
        self.term = term
        self.remaining = remaining
    }
}

/// A live replica, as it described itself with its last beat.
public struct ReplicaSight: Hashable, Sendable {
    public let id: String
    public let session: String
    /// Until its session lapses, unless it beats again.
    public let remaining: Duration
    public let status: ReplicaReport

    public init(id: String, session: String, remaining: Duration, status: ReplicaReport) {
        self.id = id
        self.session = session
        self.remaining = remaining
        self.status = status
    }
}

/// What a replica tells the others with every beat.
public struct ReplicaReport: Hashable, Sendable {
    /// Of the snapshot it serves from.
    public var epoch: Epoch
    public var inFlight: Int
    public var startedAt: Timestamp
    /// Of the program.
    public var version: String
    /// Where its API listens, such as `10.0.0.7:8008`.
    public var address: String
    /// It serves what it has, takes no new duties, and will be gone.
    public var isLeaving: Bool
    /// Requests begun and retries made since it started: the retry budget is everybody's.
    public var requests = 0
    public var retries = 0
    /// Its requests in flight at services that drain, of those that have any.
    public var draining: [ServiceID: Int] = [:]

    public init(
        epoch: Epoch,
        inFlight: Int,
        startedAt: Timestamp,
        version: String,
        address: String,
        isLeaving: Bool = false
    ) {
        self.epoch = epoch
        self.inFlight = inFlight
        self.startedAt = startedAt
        self.version = version
        self.address = address
        self.isLeaving = isLeaving
    }
}

extension ReplicaReport {
    /// As the hash `replica:<id>` holds it.
    var fields: [(name: String, value: String)] {
        [
            ("epoch", self.epoch.description), ("in_flight", String(self.inFlight)),
            ("started_at", String(self.startedAt.milliseconds)), ("version", self.version),
            ("address", self.address), ("leaving", String(self.isLeaving)),
            ("requests", String(self.requests)), ("retries", String(self.retries)),
            ("draining", self.draining.map { "\($0)=\($1)" }.sorted().joined(separator: ",")),
        ]
    }

    /// What is missing or broken takes a value that harms nobody: an older or newer build may write other fields.
    init(fields: [String: String]) {
        func number(_ name: String) -> Int64 { fields[name].flatMap { Int64($0) } ?? 0 }
        self.epoch = Epoch(number("epoch"))
        self.inFlight = Int(number("in_flight"))
        self.startedAt = Timestamp(milliseconds: number("started_at"))
        self.version = fields["version"] ?? ""
        self.address = fields["address"] ?? ""
        self.isLeaving = fields["leaving"] == "true"
        self.requests = Int(number("requests"))
        self.retries = Int(number("retries"))
        self.draining = Self.draining(fields["draining"] ?? "")
    }

    private static func draining(_ text: String) -> [ServiceID: Int] {
        var draining: [ServiceID: Int] = [:]
        for pair in text.split(separator: ",") {
            let words = pair.split(separator: "=")
            guard words.count == 2, let id = ServiceID(String(words[0])) else { continue }
            draining[id] = Int(words[1])
        }
        return draining
    }
}
