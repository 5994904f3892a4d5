internal import Decisions
internal import Gateway
internal import NIOCore
internal import Registry

/// One instance that a test may ask, and how its protocol says the question and the answer.
///
/// The field of an answer by tensors is the output of that name; `prediction` is the first one, as for callers.
struct EvaluationTarget: Sendable {
    let url: ServiceURL
    let limit: Duration
    /// Whether it speaks the Open Inference Protocol.
    let speaksInference: Bool
    let type: ModelType
    let version: ModelVersion
    /// Of a native prediction, behind the address' prefix.
    let predictPath: String

    /// Behind the address' prefix.
    var path: String { self.speaksInference ? "\(self.modelPath)/infer" : self.predictPath }

    /// What its server calls the model: its version, too, where the service named one.
    var modelPath: String {
        "/v2/models/\(self.type)" + (self.version == .unnamed ? "" : "/versions/\(self.version)")
    }

    /// Nil when the sample is no tensor and the target wants one.
    func body(for sample: EvaluationSample, _ input: InferenceInput) -> JSONValue? {
        var native: JSONObject = [
            "model_type": .string(self.type.text), "model_version": .string(self.version.text), "data": sample.data,
        ]
        for member in sample.others.members { native[member.name] = member.value }
        guard self.speaksInference else { return .object(native) }
        return try? InferenceTranslation.inferenceRequest(from: .object(native), input: input, id: "evaluation")
    }

    /// Nil when the answer has none.
    func prediction(in answer: UpstreamAnswer, _ field: String) -> JSONValue? {
        guard let body = try? JSONValue.parse(Array(answer.body.readableBytesView)) else { return nil }
        guard self.speaksInference else { return body[field] }
        let native = try? InferenceTranslation.nativeAnswer(from: body, modelType: self.type, version: self.version)
        return native?[field] ?? native?["outputs"]?[field]
    }
}
