/// A canary: a version that takes over from another in steps, each measured before the next.
///
/// Its whole state stands in the store, so that whoever leads can carry it on.
public struct Rollout: Hashable, Sendable {
    public enum State: String, Hashable, Sendable, CaseIterable {
        /// A step is measured. Can move to `settling`, `rolledBack`, `superseded`.
        case running
        /// The new version is the latest, and not every replica has said that it knows. Can move to `succeeded`.
        case settling
        case succeeded
        /// The old version has all traffic again; `reason` says why.
        case rolledBack = "rolled_back"
        /// Somebody ordered something else meanwhile.
        case superseded
    }

    public var version: ModelVersion
    public var replaces: ModelVersion
    /// Percentages, rising, the last one 100.
    public var steps: [Int]
    /// Of `steps`, counted from 1.
    public var step: Int
    /// How long a step is measured at least.
    public var interval: Duration
    /// Share of failed requests above which the version is rolled back, 0...1.
    public var errorRateMax: Double
    /// How many times the mean latency of the version it replaces it may take. Nil: as long as it likes.
    public var latencyRatioMax: Double?
    public var state: State
    public var began: Timestamp
    /// On the lease clock, in milliseconds.
    public var stepBegan: Int64
    /// The numbers of the last decision.
    public var reason: String?

    public init(
        version: ModelVersion,
        replaces: ModelVersion,
        steps: [Int],
        step: Int,
        interval: Duration,
        errorRateMax: Double,
        latencyRatioMax: Double?,
        state: State,
        began: Timestamp,
        stepBegan: Int64,
        reason: String?
    ) {
        self.version = version
        self.replaces = replaces
        self.steps = steps
        self.step = step
        self.interval = interval
        self.errorRateMax = errorRateMax
        self.latencyRatioMax = latencyRatioMax
        self.state = state
        self.began = began
        self.stepBegan = stepBegan
        self.reason = reason
    }

    /// Whether somebody has to carry it on.
    public var isUnderWay: Bool { self.state == .running || self.state == .settling }
    public var share: Int { self.steps.indices.contains(self.step - 1) ? self.steps[self.step - 1] : 100 }

    /// So many intervals, and so long at least, a step waits for requests to the new version.
    public static let holdIntervals = 10
    public static let holdTimeMin = Duration.seconds(60)

    /// Whether a step goes on beyond its end because it proves nothing.
    public enum Hold: Hashable, Sendable {
        case none
        /// Nobody asked the new version while others were asked. It is given up after so much longer.
        case unasked(left: Duration)
        case givenUp
    }

    public func hold(after elapsed: Duration, newRequests: Int64, oldRequests: Int64) -> Hold {
        guard elapsed >= self.interval, newRequests == 0, oldRequests > 0 else { return .none }
        let left = max(self.interval * Self.holdIntervals, Self.holdTimeMin) - elapsed
        return left > .zero ? .unasked(left: left) : .givenUp
    }
}
