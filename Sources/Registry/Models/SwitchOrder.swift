/// An order to make a version the latest of its model type.
public struct SwitchOrder: Hashable, Sendable {
    /// In steps, each measured before the next.
    public struct Canary: Hashable, Sendable {
        /// Percentages, rising, the last one 100.
        public var steps: [Int]
        public var interval: Duration
        /// 0...1
        public var errorRateMax: Double
        public var latencyRatioMax: Double?

        public init(steps: [Int], interval: Duration, errorRateMax: Double, latencyRatioMax: Double? = nil) {
            self.steps = steps
            self.interval = interval
            self.errorRateMax = errorRateMax
            self.latencyRatioMax = latencyRatioMax
        }
    }

    public var version: ModelVersion
    /// The version that must be the latest now; nil: whichever.
    public var expected: ModelVersion?
    /// Whether a version that is not ready will do.
    public var isForced: Bool
    /// Nil: at once.
    public var canary: Canary?
    /// Whether the last test of the version must have been passed, whatever the model type demands.
    public var requiresEvaluation = false

    public init(
        version: ModelVersion,
        expected: ModelVersion? = nil,
        isForced: Bool = false,
        canary: Canary? = nil
    ) {
        self.version = version
        self.expected = expected
        self.isForced = isForced
        self.canary = canary
    }
}
