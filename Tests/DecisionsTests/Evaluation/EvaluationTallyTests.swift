import Decisions
import Registry
import Testing

/// What the answers to an offline test come to.
@Suite struct `A tally of a test` {
    /// Predictions for samples that expect 10; nil: no usable one.
    struct Case: Sendable, CustomTestStringConvertible {
        var metric = EvaluationMetric.mae
        var own: [Double?]
        var rival: [Double?]?
        var threshold: Double?
        var passes: Bool
        var testDescription: String { "\(self.metric) \(self.own) against \(self.rival ?? []), \(self.passes)" }
    }

    static let cases = [
        Case(own: [11, 9], rival: [12, 8], passes: true),
        Case(own: [12, 8], rival: [12, 8], passes: true),
        Case(own: [12, 8], rival: [11, 9], passes: false),
        Case(own: [11, 11], threshold: 1, passes: true),
        Case(own: [11, 11], threshold: 0.9, passes: false),
        Case(own: [11, 11], rival: [13, 13], threshold: 0.5, passes: false),
        Case(own: [11, nil], rival: [13, 13], passes: false),
        Case(own: [11, 11], rival: [13, nil], passes: true),
        Case(own: [11, 11], rival: [nil, nil], passes: false),
        Case(own: [nil], passes: false),
        Case(metric: .accuracy, own: [10, 10], rival: [10, 9], passes: true),
        Case(metric: .accuracy, own: [10, 9], rival: [10, 10], passes: false),
        Case(metric: .accuracy, own: [10, 9], threshold: 0.5, passes: true),
        Case(metric: .accuracy, own: [10, 9], threshold: 0.6, passes: false),
    ]

    @Test(arguments: cases) func `passes what is good enough, and nothing else`(_ one: Case) throws {
        var tally = EvaluationTally()
        for (place, own) in one.own.enumerated() {
            let sample = EvaluationSample(data: [], expected: 10)
            tally.add(sample, Self.answer(own), rival: one.rival.map { Self.answer($0[place]) })
        }
        var evaluation = try Self.blank(one)
        tally.judge(&evaluation)
        #expect(evaluation.passed == one.passes, "\(evaluation)")
        #expect(evaluation.failed == one.own.count { $0 == nil })
        #expect(evaluation.passed || evaluation.value != nil || evaluation.error != nil)
    }

    @Test func `measures both over what both answered`() throws {
        var tally = EvaluationTally()
        let sample = EvaluationSample(data: [], expected: 10)
        tally.add(sample, Self.answer(11), rival: Self.answer(12))
        tally.add(sample, Self.answer(90), rival: Self.answer(nil))
        var evaluation = try Self.blank(Case(own: [], rival: [], passes: true))
        tally.judge(&evaluation)
        #expect(evaluation.value == 1 && evaluation.baseline?.value == 2 && evaluation.samples == 1)
    }

    private static func answer(_ prediction: Double?) -> EvaluationTally.Answer {
        EvaluationTally.Answer(prediction: prediction.map { .number($0) }, milliseconds: 1)
    }

    private static func blank(_ one: Case) throws -> Evaluation {
        var evaluation = Evaluation(
            id: try #require(EvaluationID("e")),
            metric: one.metric,
            threshold: one.threshold,
            endedAt: Timestamp(milliseconds: 0)
        )
        let version = try #require(ModelVersion("v1"))
        if one.rival != nil { evaluation.baseline = Evaluation.Baseline(version: version, value: nil) }
        return evaluation
    }
}
