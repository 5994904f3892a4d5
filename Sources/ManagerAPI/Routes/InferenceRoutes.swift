internal import Gateway
internal import HTTPTypes
internal import Registry

/// The rows of the table about the Open Inference Protocol.
enum InferenceRoutes {
    static func routes(_ reads: InferenceReads, _ health: ReplicaHealth, _ calls: InferenceCalls) -> [Route] {
        self.server(reads, health) + [self.index(reads), self.statistics(reads)]
            + [false, true].flatMap { isVersioned in
                self.models(reads, isVersioned: isVersioned)
                    + InferenceOrder.Action.allCases.map { self.inference($0, calls, isVersioned: isVersioned) }
            }
    }

    private static func server(_ reads: InferenceReads, _ health: ReplicaHealth) -> [Route] {
        [
            Route(
                method: .get,
                path: "/v2",
                name: "getInferenceServer",
                tag: "inference",
                summary: "What speaks the Open Inference Protocol here",
                answers: [.ok("InferenceServer", "The manager, in front of all models.")],
                handler: reads.server
            ),
            Route(
                method: .get,
                path: "/v2/health/live",
                name: "getInferenceLiveness",
                tag: "inference",
                summary: "Whether the process lives",
                answers: [.ok("InferenceLiveness", "It does.")],
                handler: health.inferenceLive
            ),
            Route(
                method: .get,
                path: "/v2/health/ready",
                name: "getInferenceReadiness",
                tag: "inference",
                summary: "Whether to send requests here; says nothing of single models",
                answers: [
                    .ok("InferenceServerReadiness", "Yes."),
                    .init(
                        status: 503,
                        about: "No: leaving, or the registry is not loaded yet.",
                        schema: "InferenceServerReadiness"
                    ),
                ],
                handler: health.inferenceReady
            ),
        ]
    }

    private static func index(_ reads: InferenceReads) -> Route {
        Route(
            method: .post,
            path: "/v2/repository/index",
            name: "listInferenceModels",
            tag: "inference",
            summary: "All versions of all models, and whether they are ready; `{\"ready\": true}`: only those that are",
            answers: [.ok("InferenceIndex", "One row for each version.")],
            problems: [.storeUnavailable],
            access: .role(.predict),
            handler: reads.index
        )
    }

    /// A model called `stats` can be asked for under the names of its versions alone, as at other servers.
    private static func statistics(_ reads: InferenceReads) -> Route {
        Route(
            method: .get,
            path: "/v2/models/stats",
            name: "listInferenceStatistics",
            tag: "inference",
            summary: "What is counted of all versions of all models, by their servers, else by the manager",
            answers: [.ok("InferenceStatistics", "One row for each version, or more where its server tells more.")],
            problems: [.storeUnavailable],
            handler: reads.allStatistics
        )
    }

    private static func parameters(isVersioned: Bool) -> [Route.Parameter] {
        let type = Route.Parameter.path("model_type", "Names the model.")
        return isVersioned ? [type, .path("version", "Names the version, or an alias of it.")] : [type]
    }

    private static func path(_ rest: String, isVersioned: Bool) -> String {
        "/v2/models/{model_type}" + (isVersioned ? "/versions/{version}" : "") + rest
    }

    private static func models(_ reads: InferenceReads, isVersioned: Bool) -> [Route] {
        let suffix = isVersioned ? "Version" : ""
        return [
            Route(
                method: .get,
                path: self.path("", isVersioned: isVersioned),
                name: "getInferenceModel\(suffix)",
                tag: "inference",
                summary: "What a model takes and gives",
                parameters: self.parameters(isVersioned: isVersioned),
                answers: [.ok("InferenceModel", "Its versions, inputs and outputs.")],
                problems: self.asking,
                handler: reads.model
            ),
            Route(
                method: .get,
                path: self.path("/ready", isVersioned: isVersioned),
                name: "getInferenceModelReadiness\(suffix)",
                tag: "inference",
                summary: "Whether an instance would get a request now; 400 when none would",
                parameters: self.parameters(isVersioned: isVersioned),
                answers: [.ok("InferenceReadiness", "One would.")],
                problems: [.validationError, .modelNotFound, .versionNotFound, .storeUnavailable],
                handler: reads.ready
            ),
            Route(
                method: .get,
                path: self.path("/config", isVersioned: isVersioned),
                name: "getInferenceModelConfiguration\(suffix)",
                tag: "inference",
                summary: "How a model is configured, as its server says it",
                parameters: self.parameters(isVersioned: isVersioned),
                answers: [.ok("InferenceConfiguration", "What the server calls its configuration.")],
                problems: self.asking,
                handler: reads.configuration
            ),
            Route(
                method: .get,
                path: self.path("/stats", isVersioned: isVersioned),
                name: "getInferenceModelStatistics\(suffix)",
                tag: "inference",
                summary: isVersioned
                    ? "What a version's server has counted; where it does not tell, what the manager has"
                    : "The same of all versions of a model",
                parameters: self.parameters(isVersioned: isVersioned),
                answers: [.ok("InferenceStatistics", "Of one server, or of all callers of the version.")],
                problems: [.validationError, .modelNotFound, .versionNotFound, .storeUnavailable],
                handler: reads.statistics
            ),
        ]
    }

    /// Where a model's own server may have to be asked.
    private static let asking: [Problem.Code] = [
        .validationError, .modelNotFound, .versionNotFound, .upstreamUnreachable, .upstreamInvalid, .noHealthyService,
        .storeUnavailable,
    ]

    private static func inference(
        _ action: InferenceOrder.Action,
        _ calls: InferenceCalls,
        isVersioned: Bool
    ) -> Route {
        let words = action.rawValue.split(separator: "_").map(\.capitalized).joined()
        return Route(
            method: .post,
            path: self.path("/\(action.rawValue)", isVersioned: isVersioned),
            name: "ask\(words)\(isVersioned ? "Version" : "")",
            tag: "inference",
            summary: self.summary(of: action),
            parameters: self.parameters(isVersioned: isVersioned) + ModelRoutes.steering,
            body: action == .infer ? "InferenceRequest" : "InferenceGeneration",
            answers: [.ok(action == .infer ? "InferenceAnswer" : "ModelAnswer", "What the model said.")],
            problems: ModelRoutes.upstream,
            negotiates: false,
            access: .role(.predict),
            handler: calls.handler(action)
        )
    }

    private static func summary(of action: InferenceOrder.Action) -> String {
        switch action {
        case .infer: "Ask a model; JSON or binary tensors as they are, translated for services of the native protocol"
        case .generate: "Ask a model that generates, where its server can"
        case .inferStream, .generateStream: "The same as a stream of events, where the model's server can"
        }
    }
}

extension Substring {
    fileprivate var capitalized: String { self.prefix(1).uppercased() + self.dropFirst() }
}
