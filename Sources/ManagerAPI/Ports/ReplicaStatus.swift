public import Registry

/// What this replica is; changes only by its leaving.
public protocol ReplicaStatus: Sendable {
    /// While true, every answer closes its connection and readiness says no.
    var isDraining: Bool { get }
}

/// What never changes in a replica's life.
public struct ReplicaIdentity: Hashable, Sendable {
    public var id: String
    public var version: String
    public var startedAt: Timestamp
    /// Whether callers must authenticate; shown in `/health`, so that nobody runs without it unknowingly.
    public var authenticates: Bool

    public init(id: String, version: String, startedAt: Timestamp, authenticates: Bool = false) {
        self.id = id
        self.version = version
        self.startedAt = startedAt
        self.authenticates = authenticates
    }
}

/// The clocks of the process, handed in so that a test can stand anywhere in time.
public struct ReplicaClocks: Sendable {
    public var monotonic: @Sendable () -> Instant
    public var wall: @Sendable () -> Timestamp
    public var sleep: @Sendable (Duration) async throws -> Void

    public init(
        monotonic: @escaping @Sendable () -> Instant,
        wall: @escaping @Sendable () -> Timestamp,
        sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.monotonic = monotonic
        self.wall = wall
        self.sleep = sleep
    }

    /// The wall-clock time of an instant near now.
    func timestamp(of instant: Instant) -> Timestamp {
        let distance = (self.monotonic() - instant).inNanoseconds / 1_000_000
        return Timestamp(milliseconds: self.wall().milliseconds - distance)
    }
}
