internal import HTTPTypes
internal import Registry

/// The rows of the table about offline tests of versions.
enum EvaluationRoutes {
    static func routes(_ calls: EvaluationCalls) -> [Route] { [Self.evaluate(calls), Self.patch(calls)] }

    private static let type = Route.Parameter.path("model_type", "Names the model type.")

    private static func evaluate(_ calls: EvaluationCalls) -> Route {
        Route(
            method: .post,
            path: "/models/{model_type}/versions/{version}/evaluate",
            name: "evaluateModelVersion",
            tag: "models",
            summary: "Test a version offline: its predictions for a dataset against what was expected",
            parameters: [Self.type, .path("version", "Names the version.")],
            body: "EvaluationRequest",
            bodyExample: [
                "dataset": ["inline": [["data": [1, 2, 3], "expected": 4]]], "metric": "mae", "baseline": "latest",
            ],
            answers: [
                Route.Answer(
                    status: 202,
                    about: "It waits; the verdict comes to `evaluations` of the version at `Location`.",
                    schema: "EvaluationAccepted"
                )
            ],
            problems: [
                .payloadTooLarge, .validationError, .modelNotFound, .versionNotFound, .serviceNotFound,
                .versionConflict, .overloaded,
                .storeUnavailable,
            ],
            handler: calls.evaluate
        )
    }

    private static func patch(_ calls: EvaluationCalls) -> Route {
        Route(
            method: .patch,
            path: "/models/{model_type}",
            name: "patchModel",
            tag: "models",
            summary: "Let switches of the model type demand a passed test of the version, or no longer",
            parameters: [Self.type],
            body: "ModelPatch",
            bodyExample: ["require_evaluation": true],
            answers: [.ok("Model", "It is so.")],
            problems: [.validationError, .modelNotFound, .storeUnavailable],
            handler: calls.patch
        )
    }
}
