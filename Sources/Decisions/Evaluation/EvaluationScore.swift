public import Registry

/// The numbers of an offline test: pairs of what was expected and what was predicted, made one value.
///
/// Errors are taken number by number; a prediction that is a list is compared with a list of the same shape, each of
/// its numbers counting like a sample of its own. The hard case is what cannot be measured (a text where a number was
/// expected, a list of another length): that is an error of the test and never a good value.
public enum EvaluationScore {
    /// Why there is no value; a sentence for people.
    public struct Unmeasurable: Error, Hashable, Sendable {
        public var sentence: String
    }

    /// One answered sample.
    public struct Pair: Hashable, Sendable {
        public var expected: JSONValue
        public var predicted: JSONValue
        public var milliseconds: Double

        public init(expected: JSONValue, predicted: JSONValue, milliseconds: Double = 0) {
            self.expected = expected
            self.predicted = predicted
            self.milliseconds = milliseconds
        }
    }

    public static func value(_ metric: EvaluationMetric, of pairs: [Pair]) throws(Unmeasurable) -> Double {
        guard !pairs.isEmpty else { throw Unmeasurable(sentence: "no sample was answered") }
        switch metric {
        case .accuracy: return Double(pairs.count { Self.isEqual($0.expected, $0.predicted) }) / Double(pairs.count)
        case .latency: return Self.latency(pairs).p95
        case .mse: return try Self.mean(of: pairs) { ($0 - $1) * ($0 - $1) }
        case .rmse: return try Self.mean(of: pairs) { ($0 - $1) * ($0 - $1) }.squareRoot()
        case .mae: return try Self.mean(of: pairs) { abs($0 - $1) }
        case .mape: return try Self.mean(of: pairs) { $0 == 0 ? nil : abs(($0 - $1) / $0) }
        }
    }

    /// Of at least one pair.
    public static func latency(_ pairs: [Pair]) -> Evaluation.Latency {
        let sorted = pairs.map(\.milliseconds).sorted()
        guard !sorted.isEmpty else { return Evaluation.Latency(mean: 0, p95: 0) }
        let place = (sorted.count * 95 + 99) / 100 - 1
        return Evaluation.Latency(mean: sorted.reduce(0, +) / Double(sorted.count), p95: sorted[max(0, place)])
    }

    private static func mean(of pairs: [Pair], _ error: (Double, Double) -> Double?) throws(Unmeasurable) -> Double {
        var (sum, count) = (0.0, 0)
        for pair in pairs {
            for (expected, predicted) in try Self.numbers(pair.expected, pair.predicted) {
                guard let one = error(expected, predicted) else { continue }
                sum += one
                count += 1
            }
        }
        guard count > 0 else { throw Unmeasurable(sentence: "there is no number that the metric can measure") }
        let mean = sum / Double(count)
        guard mean.isFinite else { throw Unmeasurable(sentence: "the errors are too large to be added up") }
        return mean
    }

    private static func numbers(
        _ expected: JSONValue,
        _ predicted: JSONValue
    ) throws(Unmeasurable) -> [(Double, Double)] {
        if let left = expected.asNumber, let right = predicted.asNumber { return [(left, right)] }
        guard let left = expected.asArray, let right = predicted.asArray, left.count == right.count else {
            let kinds = "\(Self.kind(expected)) was expected, \(Self.kind(predicted)) predicted"
            throw Unmeasurable(sentence: "predictions cannot be measured against what was expected: \(kinds)")
        }
        var pairs: [(Double, Double)] = []
        for place in left.indices { pairs += try Self.numbers(left[place], right[place]) }
        return pairs
    }

    private static func kind(_ value: JSONValue) -> String {
        value.asArray.map { "a list of \($0.count)" } ?? value.kindName
    }

    /// As people mean it: 1 is 1.0.
    private static func isEqual(_ left: JSONValue, _ right: JSONValue) -> Bool {
        if let left = left.asNumber, let right = right.asNumber { return left == right }
        guard let lefts = left.asArray, let rights = right.asArray else { return left == right }
        return lefts.count == rights.count && zip(lefts, rights).allSatisfy { Self.isEqual($0, $1) }
    }
}
