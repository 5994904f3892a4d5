/// What `POST /models/{model_type}/versions/{version}/evaluate` asks for, and the `validation` block of a training job.
public struct EvaluationForm: Hashable, Sendable {
    public var dataset: EvaluationDataset
    public var metric: EvaluationMetric
    /// A version or alias that must not do better. Nil with a threshold: nobody; nil without one: the latest.
    public var baseline: ModelVersion?
    /// The value that is just good enough.
    public var threshold: Double?
    /// The member of the answers that is compared.
    public var field: String
    /// A service of kind `validation` that has the last word.
    public var validator: ServiceID?
    /// Until the verdict must be there.
    public var timeout: Duration
    /// Whether the version becomes the latest when it passes. Only a training job may ask for it.
    public var promotes: Bool

    public static let timeoutDefault = Duration.seconds(600)
    public static let timeoutSecondsMax = 3600.0

    /// Checks every member and gives back the form, or every fault at once.
    public static func read(
        _ value: JSONValue,
        at loc: [String] = ["body"],
        mayPromote: Bool = false
    ) throws(FormProblems) -> EvaluationForm {
        var fields = try FormFields(value, at: loc)
        let dataset = fields.member("dataset")
        if dataset == nil { fields.missing("dataset") }
        let metric = fields.choice("metric", EvaluationMetric.self)
        if metric == nil, fields.member("metric") == nil { fields.missing("metric") }
        let baseline = fields.name("baseline", ModelVersion.self)
        let threshold = fields.number("threshold", in: 0...1e300)
        let field = fields.string("field") ?? "prediction"
        let validator = fields.name("validator", ServiceID.self)
        let timeout = fields.seconds("timeout", atMost: Self.timeoutSecondsMax) ?? Self.timeoutDefault
        let promotes = mayPromote ? fields.bool("promote") ?? false : false
        try fields.finish()
        guard let dataset, let metric else { throw FormProblems(fields.problems) }
        return EvaluationForm(
            dataset: try EvaluationDataset.read(dataset, at: loc + ["dataset"]),
            metric: metric,
            baseline: baseline,
            threshold: threshold,
            field: field,
            validator: validator,
            timeout: timeout,
            promotes: promotes
        )
    }

    /// The version or alias that the version under test is held against; nil: a threshold alone.
    public var rival: ModelVersion? { self.baseline ?? (self.threshold == nil ? .latest : nil) }
}
