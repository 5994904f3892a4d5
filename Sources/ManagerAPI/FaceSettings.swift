/// What the HTTP face is told at its start and keeps for its life.
public struct FaceSettings: Sendable {
    /// `MAX_BODY_BYTES`: a longer body of `/predict` and `/train` gets 413.
    public var bodyBytesMax = 16 * 1024 * 1024
    /// The same for what describes a service: far more than any real one, far less than what costs memory.
    public var formBytesMax = 256 * 1024
    /// How long `x-mm-epoch`, and the answer to a change, wait for this replica's snapshot.
    public var epochWaitMax: Duration = .seconds(2)
    /// How long the answer to a switch waits for the other replicas: longer than a paused one needs to lapse.
    public var switchWaitMax: Duration = .seconds(15)
    /// `SERVICE_TIMEOUT`: how long a draining service that names no timeout is waited for.
    public var timeout: Duration = .seconds(30)
    /// Between two looks at what a draining service still has to do.
    public var drainPollInterval: Duration = .milliseconds(50)
    /// How long a request's head may take to arrive once it has begun.
    public var headTimeout: Duration = .seconds(10)
    /// How long a caller may stall inside a body.
    public var idleTimeout: Duration = .seconds(60)
    /// Connections of the general door at a time; more are closed at once.
    public var connectionsMax = 10_000
    /// Limits of a request's head: above any of them it gets 431.
    public var headerFieldBytesMax = 8 * 1024
    public var headerListBytesMax = 32 * 1024
    public var headersMax = 100

    public init() {}
}
