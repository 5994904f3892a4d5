public import Registry

/// The answers of a version under test and of the one it is held against, and the verdict that they come to.
///
/// Both are measured over the samples that both answered, so that a hard sample left out by one does not flatter it. A
/// sample to which the version under test gave no usable prediction fails the test; one that its rival did not answer
/// is only left out.
public struct EvaluationTally: Hashable, Sendable {
    /// One version's answer to one sample; without a prediction it was no usable one.
    public struct Answer: Hashable, Sendable {
        public var prediction: JSONValue?
        public var milliseconds: Double

        public init(prediction: JSONValue?, milliseconds: Double) {
            self.prediction = prediction
            self.milliseconds = milliseconds
        }
    }

    /// One sample with what was said to it.
    public struct Line: Hashable, Sendable {
        public var sample: EvaluationSample
        public var answer: Answer
        /// Nil when there is no rival.
        public var rival: Answer?
    }

    public private(set) var lines: [Line] = []

    public init() {}

    public mutating func add(_ sample: EvaluationSample, _ answer: Answer, rival: Answer? = nil) {
        self.lines.append(Line(sample: sample, answer: answer, rival: rival))
    }

    /// Lines that are measured.
    public var measured: [Line] {
        self.lines.filter { $0.answer.prediction != nil && $0.rival.map { $0.prediction != nil } ?? true }
    }

    /// Fills in the numbers, and whether they pass.
    public func judge(_ evaluation: inout Evaluation) {
        evaluation.samples = self.measured.count
        evaluation.failed = self.lines.count { $0.answer.prediction == nil }
        let own = Self.pairs(self.measured) { $0.answer }
        if !own.isEmpty { evaluation.latency = EvaluationScore.latency(own) }
        do throws(EvaluationScore.Unmeasurable) {
            evaluation.value = try EvaluationScore.value(evaluation.metric, of: own)
            if evaluation.baseline != nil {
                let rivals = Self.pairs(self.measured) { $0.rival }
                evaluation.baseline?.value = try EvaluationScore.value(evaluation.metric, of: rivals)
            }
        } catch {
            evaluation.error = error.sentence
        }
        if evaluation.failed > 0 {
            evaluation.error = "\(evaluation.failed) of \(self.lines.count) samples got no usable prediction"
        }
        evaluation.passed = evaluation.error == nil && Self.isGood(evaluation)
    }

    private static func isGood(_ evaluation: Evaluation) -> Bool {
        guard let value = evaluation.value else { return false }
        let bounds = [evaluation.threshold, evaluation.baseline?.value].compactMap { $0 }
        return bounds.allSatisfy { evaluation.metric.isBetterWhenLarger ? value >= $0 : value <= $0 }
    }

    private static func pairs(_ lines: [Line], _ answer: (Line) -> Answer?) -> [EvaluationScore.Pair] {
        lines.compactMap { line in
            guard let answer = answer(line), let prediction = answer.prediction else { return nil }
            return EvaluationScore.Pair(
                expected: line.sample.expected,
                predicted: prediction,
                milliseconds: answer.milliseconds
            )
        }
    }
}
