/// What an offline test of a version measures.
public enum EvaluationMetric: String, Hashable, Sendable, CaseIterable {
    /// Mean of the squared errors, of the absolute errors; root of the mean of the squared errors.
    case mse, mae, rmse
    /// Mean of the absolute errors as shares of what was expected (0.1 is ten per cent); what should be 0 is left out.
    case mape
    /// Share of samples whose prediction is exactly what was expected.
    case accuracy
    /// 95 of 100 samples were answered within so many milliseconds.
    case latency

    public var isBetterWhenLarger: Bool { self == .accuracy }
}
