/// What `POST /models/{model_type}/switch` asks for.
public struct SwitchForm: Hashable, Sendable {
    public var order: SwitchOrder
    /// How long the answer waits for all replicas. Nil: as long as the manager thinks.
    public var timeout: Duration?

    public static let timeoutMax = 600.0
    private static let stepsDefault = [1, 10, 50, 100]
    private static let intervalDefault = Duration.seconds(60)
    private static let errorRateDefault = 0.02
    private static let stepsCountMax = 100

    public static func read(_ value: JSONValue, at loc: [String] = ["body"]) throws(FormProblems) -> SwitchForm {
        var fields = try FormFields(value, at: loc)
        let version = fields.version("version", isRequired: true)
        let expected = fields.version("expected", isRequired: false)
        let isForced = fields.bool("force") ?? false
        let timeout = fields.seconds("timeout", atMost: Self.timeoutMax)
        let canary = fields.member("canary")
        let requiresEvaluation = fields.bool("require_evaluation") ?? false
        try fields.finish()
        guard let version else { throw FormProblems(fields.problems) }
        var order = SwitchOrder(version: version, expected: expected, isForced: isForced)
        order.requiresEvaluation = requiresEvaluation
        if let canary { order.canary = try Self.canary(canary, at: loc + ["canary"]) }
        return SwitchForm(order: order, timeout: timeout)
    }

    private static func canary(_ value: JSONValue, at loc: [String]) throws(FormProblems) -> SwitchOrder.Canary {
        var fields = try FormFields(value, at: loc)
        let steps = Self.steps(&fields)
        let interval = fields.seconds("interval", atMost: 86_400) ?? Self.intervalDefault
        let errorRate = fields.number("max_error_rate", in: 0...1) ?? Self.errorRateDefault
        let latencyRatio = fields.number("max_latency_ratio", in: 1...1000)
        try fields.finish()
        return SwitchOrder.Canary(
            steps: steps,
            interval: interval,
            errorRateMax: errorRate,
            latencyRatioMax: latencyRatio
        )
    }

    private static func steps(_ fields: inout FormFields) -> [Int] {
        guard let value = fields.member("steps") else { return Self.stepsDefault }
        let steps = value.asArray?.compactMap { $0.asInteger.map { Int($0) } } ?? []
        let isWhole = steps.count == value.asArray?.count && (1...Self.stepsCountMax).contains(steps.count)
        let isRising = zip(steps, steps.dropFirst()).allSatisfy { $0 < $1 }
        guard isWhole, isRising, steps.first ?? 0 >= 1, steps.last == 100 else {
            fields.fault(
                "steps",
                .value,
                "must be whole percentages that rise from 1 at least to 100, such as [1, 10, 100]"
            )
            return Self.stepsDefault
        }
        return steps
    }
}
