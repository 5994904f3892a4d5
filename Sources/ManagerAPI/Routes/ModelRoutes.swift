internal import HTTPTypes
internal import Registry

/// The rows of the table about models and their use.
enum ModelRoutes {
    static func routes(_ reads: ModelReads, _ calls: ModelCalls) -> [Route] {
        Self.models(reads) + [Self.predict(calls)]
    }

    private static func models(_ reads: ModelReads) -> [Route] {
        [
            Route(
                method: .get,
                path: "/models",
                name: "listModels",
                tag: "models",
                summary: "All model types, with their versions and the services behind them",
                parameters: [
                    .query(
                        "limit",
                        "How many at most.",
                        ["type": "integer", "minimum": 1, "maximum": 10_000, "default": 1000]
                    ),
                    .query("after", "Continue after this model type.", ["type": "string"]),
                ],
                answers: [.ok("ModelList", "The models, sorted by type.")],
                problems: [.validationError, .storeUnavailable],
                handler: reads.list
            ),
            Route(
                method: .get,
                path: "/models/{model_type}",
                name: "getModel",
                tag: "models",
                summary: "One model type",
                parameters: [.path("model_type", "Names the model type.")],
                answers: [.ok("Model", "The model.")],
                problems: [.validationError, .modelNotFound, .storeUnavailable],
                handler: reads.show
            ),
        ]
    }

    static let upstream: [Problem.Code] = [
        .invalidRequest, .modelNotFound, .versionNotFound, .capabilityMismatch, .payloadTooLarge,
        .unsupportedMediaType, .validationError, .upstreamUnreachable, .upstreamInvalid, .noHealthyService, .overloaded,
        .upstreamTimeout,
    ]

    static let steering: [Route.Parameter] = [
        .header("x-mm-timeout-ms", "Total deadline, retries included.", ["type": "integer", "minimum": 1]),
        .header("x-mm-max-retries", "Further attempts after the first.", ["type": "integer", "minimum": 0]),
        .header("x-mm-hash-key", "What consistent_hash hashes.", ["type": "string"]),
    ]

    private static func predict(_ calls: ModelCalls) -> Route {
        Route(
            method: .post,
            path: "/predict",
            name: "predict",
            tag: "models",
            summary: "Ask a model; the body goes to the chosen instance byte for byte, and its answer comes back so",
            parameters: self.steering,
            body: "PredictRequest",
            bodyExample: ["model_type": "LSTM", "data": [.number(0.1), .number(0.2)], "model_version": "latest"],
            answers: [.ok("ModelAnswer", "What the model said. Any other status of the instance comes back as well.")],
            problems: self.upstream,
            negotiates: false,
            access: .role(.predict),
            handler: calls.predict
        )
    }
}
