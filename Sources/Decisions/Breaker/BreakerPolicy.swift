/// When a breaker trips and how it comes back.
public struct BreakerPolicy: Sendable, Hashable {
    /// Failures in a row that trip it. Default 5. At 1 a single lost packet ejects an instance; above about 20 a dead
    /// one keeps hurting callers for that many requests.
    public var failuresInRowMax: Int
    /// Failed share that trips it, once a window holds `requestsMin`. Default 0.5.
    public var failureRatioMax: Double
    /// Requests in the window below which the ratio says nothing. Default 10.
    public var requestsMin: Int
    /// Length of the window of the ratio. Default 10 s.
    public var window: Duration
    /// How long an instance is left alone before the first probe request. Default 10 s; doubles with each trip up to ten
    /// times. Shorter than its restart time means probes hit a booting service.
    public var cooldown: Duration
    /// Requests in flight while half open. Default 1.
    public var probesMax: Int
    /// Successful probe requests in a row that close it. Default 1. More keep a recovered instance out of rotation
    /// longer, fewer are not possible.
    public var successesMin: Int
    /// After it has closed: how long the instance takes to get back to its whole share (`SlowStart`). Default: as long
    /// as the cooldown. Shorter than it needs to warm up means that it may trip again; zero: its whole share at once.
    public var slowStart: Duration?

    /// What `slowStart` comes to.
    public var slowStartWindow: Duration { self.slowStart ?? self.cooldown }

    public init(
        failuresInRowMax: Int = 5,
        failureRatioMax: Double = 0.5,
        requestsMin: Int = 10,
        window: Duration = .seconds(10),
        cooldown: Duration = .seconds(10),
        probesMax: Int = 1,
        successesMin: Int = 1,
        slowStart: Duration? = nil
    ) {
        self.failuresInRowMax = failuresInRowMax
        self.failureRatioMax = failureRatioMax
        self.requestsMin = requestsMin
        self.window = window
        self.cooldown = cooldown
        self.probesMax = probesMax
        self.successesMin = successesMin
        self.slowStart = slowStart
    }
}
