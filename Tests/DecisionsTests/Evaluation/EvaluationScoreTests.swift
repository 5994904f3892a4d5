import Decisions
import Registry
import Testing

/// The numbers of an offline test.
@Suite struct `A score` {
    private static func pairs(_ text: String) throws -> [EvaluationScore.Pair] {
        try (JSONValue.parse(text).asArray ?? []).map { line in
            EvaluationScore.Pair(
                expected: try #require(line.asArray?[0]),
                predicted: try #require(line.asArray?[1]),
                milliseconds: line.asArray?[2].asNumber ?? 0
            )
        }
    }

    @Test(
        arguments: [
            (.mse, "[[1,2,0],[4,1,0]]", 5.0),
            (.rmse, "[[1,4,0],[2,6,0]]", 12.5.squareRoot()),
            (.mae, "[[1,2,0],[4,1,0]]", 2.0),
            (.mape, "[[2,1,0],[4,5,0],[0,9,0]]", 0.375),
            (.accuracy, #"[["a","a",0],["b","c",0],[1,1.0,0],[[1,2],[1,2.0],0]]"#, 0.75),
            (.latency, "[[1,1,5],[1,1,1],[1,1,9]]", 9.0),
            (.mae, "[[[1,2],[2,4],0],[3,3,0]]", 1.0),
            (.mse, "[[[[1],[2]],[[1],[4]],0]]", 2.0),
        ] as [(EvaluationMetric, String, Double)]
    )
    func `is what the metric says`(metric: EvaluationMetric, pairs: String, value: Double) throws {
        let measured = try EvaluationScore.value(metric, of: Self.pairs(pairs))
        #expect(abs(measured - value) < 1e-12)
    }

    @Test(
        arguments: [
            (.mae, "[]", "no sample was answered"),
            (.mae, #"[["a",1,0]]"#, "a string was expected, an integer predicted"),
            (.mae, "[[[1,2],[1],0]]", "a list of 2 was expected, a list of 1 predicted"),
            (.mape, "[[0,1,0]]", "there is no number that the metric can measure"),
            (.mse, "[[1e300,-1e300,0]]", "too large"),
        ] as [(EvaluationMetric, String, String)]
    )
    func `is none of what cannot be measured`(metric: EvaluationMetric, pairs: String, why: String) throws {
        let error = try #require(throws: EvaluationScore.Unmeasurable.self) {
            try EvaluationScore.value(metric, of: Self.pairs(pairs))
        }
        #expect(error.sentence.contains(why), "\(error)")
    }

    @Test func `of latency is the mean, and what 95 of 100 stay within`() throws {
        let pairs = (1...100).map { EvaluationScore.Pair(expected: 1, predicted: 1, milliseconds: Double($0)) }
        let latency = EvaluationScore.latency(pairs)
        #expect(latency.mean == 50.5 && latency.p95 == 95)
    }
}
