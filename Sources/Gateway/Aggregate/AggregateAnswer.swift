internal import Decisions
internal import Registry

/// All that the answer to a caller of several models is made of, when no member is waited for any more.
///
/// A value, so that large answers can be combined and written on a thread.
struct AggregateAnswer: Sendable {
    /// One member, as the caller is told of it.
    struct Row: Sendable {
        var modelType: ModelType
        var version: ModelVersion
        /// Nil when none was asked.
        var service: ServiceID?
        var milliseconds: Int64
    }

    /// What the caller gets.
    struct Said: Sendable {
        /// Nil when the answer is good.
        var code: Problem.Code?
        var body: String
    }

    var order: AggregateOrder
    /// In the order of the targets, as are the rows; nil where none came.
    var answers: [AggregateTally.Answer?]
    /// The place of the first value.
    var first: Int?
    var rows: [Row]
    var requestID: String

    /// One value of those that came, unless they do not go together.
    func combined() -> Said {
        var (values, weights, first) = ([JSONValue](), [Double](), 0)
        for (place, answer) in self.answers.enumerated() {
            guard case .value(let value) = answer else { continue }
            if self.first == place { first = values.count }
            values.append(value)
            if !self.order.weights.isEmpty { weights.append(self.order.weights[place]) }
        }
        do throws(Combination.Mismatch) {
            let value = try Combination.combine(values, by: self.order.strategy, weights: weights, first: first)
            let body: JSONValue = [
                self.order.field: value, "strategy": .string(self.order.strategy.rawValue), "members": self.memberList,
                "quorum": .integer(Int64(self.order.quorum)),
            ]
            return Said(code: nil, body: body.serialized())
        } catch {
            let text = "the members' answers do not go together: \(error.message)"
            return self.failed(Problem(.upstreamInvalid, text))
        }
    }

    /// Too few members answered.
    func missed() -> Said {
        let values = self.answers.count { if case .value = $0 { true } else { false } }
        let text = "\(values) of \(self.order.targets.count) members answered, \(self.order.quorum) had to"
        return self.failed(Problem(.quorumNotMet, text))
    }

    /// It could not be combined; of the members only those that failed say why, for their answers are large.
    func uncombined(_ problem: Problem) -> Said {
        var short = self
        short.answers = self.answers.map { if case .value? = $0 { .failure(problem.code.rawValue) } else { $0 } }
        return short.failed(problem)
    }

    private func failed(_ problem: Problem) -> Said {
        let message = JSONValue.string(problem.message)
        let body: JSONValue = [
            "error": message, "code": .string(problem.code.rawValue), "detail": message,
            "request_id": .string(self.requestID), "attempts": [], "strategy": .string(self.order.strategy.rawValue),
            "members": self.memberList, "quorum": .integer(Int64(self.order.quorum)),
        ]
        return Said(code: problem.code, body: body.serialized())
    }

    private var memberList: JSONValue {
        .array(
            zip(self.rows, self.answers).map { row, answer in
                var shown: JSONObject = [
                    "model_type": .string(row.modelType.text), "model_version": .string(row.version.text),
                    "service_id": row.service.map { .string($0.text) } ?? .null, "ms": .integer(row.milliseconds),
                ]
                switch answer {
                case .value(let value): shown[self.order.field] = value
                case .failure(let reason): shown["error"] = .string(reason)
                case nil: shown["error"] = "cancelled"
                }
                return .object(shown)
            }
        )
    }
}
