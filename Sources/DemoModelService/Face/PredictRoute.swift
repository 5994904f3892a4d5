import HTTPTypes
import Hummingbird

/// `POST /predict`: the next values of a series.
///
/// A manager that resolved an alias to a version may say so in `x-mm-model-version`; that counts more than the body,
/// which it hands on as the caller wrote it and where `latest` or `stable` may stand.
struct PredictRoute: Sendable {
    private static let resolvedVersion = HTTPField.Name("x-mm-model-version")

    struct Question: Decodable {
        var modelType: String?
        var data: [Double]
        var modelVersion: String?
        var horizon: Int?

        enum CodingKeys: String, CodingKey {
            case modelType = "model_type"
            case data
            case modelVersion = "model_version"
            case horizon
        }
    }

    struct Answer: ResponseEncodable {
        let modelType: String
        let modelVersion: String
        let prediction: Double
        let predictions: [Double]
        let instance: String
    }

    let service: ServiceConfiguration
    let models: ServedModels
    let counters: Counters

    func answer(_ request: Request, _ context: DemoContext) async throws -> Answer {
        let question = try await request.decodeBody(as: Question.self)
        let type = question.modelType ?? self.service.modelType
        guard self.service.serves(type) else {
            throw Problem(.notFound, "model_type \(type) is not served here, only \(self.service.modelType)")
        }
        try SeriesRule.check(question.data, at: ["data"], countMin: 1)
        let horizon = try self.horizon(question)
        let resolved = Self.resolvedVersion.flatMap { request.headers[$0] }
        let (version, forecaster) = try self.find(resolved ?? question.modelVersion, type)
        let predictions = forecaster.predict(after: question.data, horizon: horizon)
        self.counters.countPrediction(version: version)
        return Answer(
            modelType: type,
            modelVersion: version,
            prediction: predictions[0],
            predictions: predictions,
            instance: self.service.name
        )
    }

    private func horizon(_ question: Question) throws(Problem) -> Int {
        let horizon = question.horizon ?? 1
        let allowed = 1...self.service.horizonMax
        guard allowed.contains(horizon) else {
            throw Problem("horizon", type: "out_of_range", msg: "Input should be 1 to \(allowed.upperBound) here")
        }
        return horizon
    }

    private func find(_ version: String?, _ type: String) throws(Problem) -> (String, Forecaster) {
        switch self.models.find(version) {
        case .answer(let name, let forecaster): return (name, forecaster)
        case .refuseUnknown:
            throw Problem(.notFound, "model \(type) has no version \(version ?? ModelShelf.latest) here")
        case .refuseUnloaded:
            throw Problem(
                .notFound,
                "version \(version ?? "") of \(type) is not loaded: POST /models/\(version ?? "")/load"
            )
        }
    }
}
