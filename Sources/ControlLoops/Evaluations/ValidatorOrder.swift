internal import ClusterState
internal import Decisions
internal import Registry

/// What a service of kind `validation` is sent: the numbers so far, and what was predicted; and what it says to that.
struct ValidatorOrder: Sendable {
    let order: EvaluationOrder
    let evaluation: Evaluation
    let tally: EvaluationTally

    var json: JSONValue {
        let samples: [JSONValue] = self.tally.lines.map { line in
            [
                "data": line.sample.data, "expected": line.sample.expected,
                "prediction": line.answer.prediction ?? .null, "baseline": line.rival?.prediction ?? .null,
            ]
        }
        return [
            "model_type": .string(self.order.type.text), "model_version": .string(self.order.version.text),
            "evaluation": self.evaluation.json, "samples": .array(samples),
        ]
    }

    /// It can fail what the numbers pass, and pass what they fail; only what got no prediction at all stays failed.
    static func note(_ answer: JSONValue, passed: Bool, in evaluation: inout Evaluation) {
        if let value = answer["value"]?.asNumber { evaluation.value = value }
        guard evaluation.failed == 0 else { return }
        evaluation.passed = passed
        let reason = answer["reason"]?.asString ?? answer["error"]?.asString
        evaluation.error = passed ? nil : reason.map { String($0.prefix(500)) } ?? evaluation.error
    }
}
