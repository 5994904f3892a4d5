internal import HTTPTypes
internal import Registry

/// The rows of the table about the model repository extension that change something.
enum RepositoryRoutes {
    static func routes(_ writes: RepositoryWrites) -> [Route] { [self.load(writes), self.unload(writes)] }

    private static let parameters: [Route.Parameter] = [
        .path("model_type", "Names the model."),
        .query(
            "version",
            "Names a version, or an alias of it; also a member of `parameters`. Without it: as `latest`.",
            ["type": "string", "pattern": .string("^\(NameRule.pattern)$"), "maxLength": 128]
        ),
        .header(
            "x-mm-timeout-ms",
            "How long to wait for the end; 55 s without it.",
            ["type": "integer", "minimum": 1, "maximum": .integer(Int64(RepositoryWrites.waitMax.inSeconds) * 1000)]
        ),
    ]
    private static let problems: [Problem.Code] = [
        .validationError, .modelNotFound, .versionConflict, .upstreamTimeout, .storeUnavailable,
    ]

    private static func load(_ writes: RepositoryWrites) -> Route {
        Route(
            method: .post,
            path: "/v2/repository/models/{model_type}/load",
            name: "loadInferenceModel",
            tag: "inference",
            summary: "Have services load a version, and wait until they have; it takes no traffic by that",
            parameters: self.parameters,
            body: "RepositoryRequest",
            bodyExample: ["parameters": ["version": "v2"]],
            answers: [.ok("RepositoryAnswer", "A service has it; `services` has the outcome at each.")],
            problems: self.problems + [.capabilityMismatch, .upstreamInvalid, .noHealthyService],
            handler: writes.load
        )
    }

    private static func unload(_ writes: RepositoryWrites) -> Route {
        Route(
            method: .post,
            path: "/v2/repository/models/{model_type}/unload",
            name: "unloadInferenceModel",
            tag: "inference",
            summary: "Retire a version that nothing points at, and wait until its last requests have ended",
            parameters: self.parameters,
            body: "RepositoryRequest",
            bodyExample: ["parameters": ["version": "v1"]],
            answers: [.ok("RepositoryAnswer", "It is gone; `reason` says what its services did.")],
            problems: self.problems + [.versionNotFound, .versionInUse],
            handler: writes.unload
        )
    }
}
