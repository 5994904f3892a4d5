/// One live prediction as it was recorded: what the caller asked in the body, which version answered, and what.
public struct RecordedPrediction: Hashable, Sendable {
    public var version: ModelVersion
    public var request: JSONValue
    public var answer: JSONValue

    public init(version: ModelVersion, request: JSONValue, answer: JSONValue) {
        self.version = version
        self.request = request
        self.answer = answer
    }

    public var json: JSONValue {
        ["version": .string(self.version.text), "request": self.request, "answer": self.answer]
    }

    /// Nil when that is none.
    public init?(json: JSONValue) {
        guard let version = json["version"]?.asString.flatMap({ ModelVersion($0) }), let request = json["request"],
            let answer = json["answer"]
        else { return nil }
        self.init(version: version, request: request, answer: answer)
    }

    /// As a sample of an offline test: the field of the answer is what is expected. Nil when one of both is missing.
    public func sample(expecting field: String) -> EvaluationSample? {
        guard let data = self.request["data"], let expected = self.answer[field], expected != .null else { return nil }
        let others = (self.request.asObject?.members ?? []).filter { member in
            !["model_type", "model_version", "data"].contains(member.name)
        }
        return EvaluationSample(
            data: data,
            expected: expected,
            others: JSONObject(others.map { ($0.name, $0.value) })
        )
    }
}
