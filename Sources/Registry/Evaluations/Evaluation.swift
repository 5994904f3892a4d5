/// Names one offline test of a version.
public struct EvaluationID: Name {
    public let text: String
    public init?(_ text: String) {
        guard NameRule.allows(text) else { return nil }
        self.text = text
    }

    /// A name that nobody has had, made of 64 random bits.
    public init(random: UInt64) {
        let digits = String(random, radix: 16)
        self.text = "eval-" + String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// The test of what came of a job: asked for twice, it is made once.
    public init(of job: JobID) {
        self.text = "eval-\(job.text.prefix(100))"
    }
}

/// The verdict on a version, with its numbers, as it is stored on the version for all to read.
///
/// `passed` is what a switch can demand; a test that could not be made is one that was not passed, with an `error`.
public struct Evaluation: Hashable, Sendable {
    public struct Baseline: Hashable, Sendable {
        public var version: ModelVersion
        /// Nil when it could not be measured.
        public var value: Double?

        public init(version: ModelVersion, value: Double?) {
            self.version = version
            self.value = value
        }
    }

    /// In milliseconds.
    public struct Latency: Hashable, Sendable {
        public var mean: Double
        public var p95: Double

        public init(mean: Double, p95: Double) {
            self.mean = mean
            self.p95 = p95
        }
    }

    public var id: EvaluationID
    public var metric: EvaluationMetric
    public var value: Double?
    public var baseline: Baseline?
    public var threshold: Double?
    public var passed = false
    /// Samples that were measured, and those to which the version gave no usable prediction.
    public var samples = 0
    public var failed = 0
    public var latency: Latency?
    public var validator: ServiceID?
    /// Why it was not passed, when no number says so.
    public var error: String?
    public var endedAt: Timestamp

    public init(id: EvaluationID, metric: EvaluationMetric, threshold: Double? = nil, endedAt: Timestamp) {
        self.id = id
        self.metric = metric
        self.threshold = threshold
        self.endedAt = endedAt
    }

    public var json: JSONValue {
        let baseline: JSONValue? = self.baseline.map {
            ["version": .string($0.version.text), "value": $0.value.map { .number($0) } ?? .null]
        }
        let latency: JSONValue? = self.latency.map { ["mean": .number($0.mean), "p95": .number($0.p95)] }
        return [
            "evaluation_id": .string(self.id.text), "metric": .string(self.metric.rawValue),
            "value": self.value.map { .number($0) } ?? .null, "baseline": baseline ?? .null,
            "threshold": self.threshold.map { .number($0) } ?? .null, "passed": .bool(self.passed),
            "samples": .integer(Int64(self.samples)), "failed": .integer(Int64(self.failed)),
            "latency_ms": latency ?? .null, "validator": self.validator.map { .string($0.text) } ?? .null,
            "error": self.error.map { .string($0) } ?? .null, "ended_at": .string(self.endedAt.description),
        ]
    }

    /// One line for events and logs.
    public var summary: String {
        if let error { return error }
        let held = self.baseline.map { ", \($0.version) \($0.value.map { "\($0)" } ?? "unknown")" } ?? ""
        let bound = self.threshold.map { ", threshold \($0)" } ?? ""
        return "\(self.metric.rawValue) \(self.value.map { "\($0)" } ?? "unknown")\(held)\(bound)"
    }
}
