internal import HTTPTypes
internal import Registry

/// The rows of the table about recording live predictions.
enum RecordingRoutes {
    static func routes(_ calls: RecordingCalls) -> [Route] { [Self.show(calls), Self.begin(calls), Self.end(calls)] }

    private static let path = "/models/{model_type}/recording"
    private static let type = Route.Parameter.path("model_type", "Names the model type.")
    private static let problems: [Problem.Code] = [.validationError, .modelNotFound, .storeUnavailable]

    private static func show(_ calls: RecordingCalls) -> Route {
        Route(
            method: .get,
            path: Self.path,
            name: "getModelRecording",
            tag: "models",
            summary: "Which share of live predictions is recorded, and how many are",
            parameters: [Self.type],
            answers: [.ok("Recording", "The recording; `share` is null when there is none.")],
            problems: Self.problems,
            handler: calls.show
        )
    }

    private static func begin(_ calls: RecordingCalls) -> Route {
        Route(
            method: .put,
            path: Self.path,
            name: "recordModelPredictions",
            tag: "models",
            summary: "Record a share of live predictions with their answers, for replay in offline tests",
            parameters: [Self.type],
            body: "RecordingRequest",
            bodyExample: ["share": 0.01, "limit": 1000],
            answers: [.ok("Model", "It is recorded from now on.")],
            problems: Self.problems,
            handler: calls.begin
        )
    }

    private static func end(_ calls: RecordingCalls) -> Route {
        Route(
            method: .delete,
            path: Self.path,
            name: "endModelRecording",
            tag: "models",
            summary: "Record nothing any more, and forget what was recorded",
            parameters: [Self.type],
            answers: [.ok("Model", "Nothing is recorded, and nothing kept.")],
            problems: Self.problems,
            handler: calls.end
        )
    }
}
