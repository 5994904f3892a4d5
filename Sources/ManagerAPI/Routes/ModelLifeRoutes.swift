internal import HTTPTypes
internal import Registry

/// The rows of the table about the life of model versions.
enum ModelLifeRoutes {
    static func routes(_ reads: ModelReads, _ writes: ModelWrites) -> [Route] {
        [
            self.version(reads), self.deploy(writes), self.change(writes), self.rollBack(writes), self.retire(writes),
        ] + self.aliases(writes) + self.traffic(writes)
    }

    private static let type = Route.Parameter.path("model_type", "Names the model type.")
    private static let problems: [Problem.Code] = [
        .validationError, .modelNotFound, .versionNotFound, .versionConflict, .storeUnavailable,
    ]

    private static func version(_ reads: ModelReads) -> Route {
        Route(
            method: .get,
            path: "/models/{model_type}/versions/{version}",
            name: "getModelVersion",
            tag: "models",
            summary: "One version: its state, its services, and which replicas hold requests of it",
            parameters: [Self.type, .path("version", "Names the version, or an alias of it.")],
            answers: [.ok("ModelVersion", "The version.")],
            problems: [.validationError, .modelNotFound, .versionNotFound, .storeUnavailable],
            handler: reads.showVersion
        )
    }

    private static func deploy(_ writes: ModelWrites) -> Route {
        Route(
            method: .post,
            path: "/models/{model_type}/versions",
            name: "deployModelVersion",
            tag: "models",
            summary: "Have services load a version, one after another; it takes no traffic by that",
            parameters: [Self.type],
            body: "DeployRequest",
            bodyExample: ["version": "v3"],
            answers: [Route.Answer(status: 202, about: "Watch its state and `deployment`.", schema: "ModelVersion")],
            problems: Self.problems + [.serviceNotFound],
            handler: writes.deploy
        )
    }

    private static func change(_ writes: ModelWrites) -> Route {
        Route(
            method: .post,
            path: "/models/{model_type}/switch",
            name: "switchModel",
            tag: "models",
            summary: "Make a version the latest, at once or as a canary in steps",
            parameters: [Self.type],
            body: "SwitchRequest",
            bodyExample: ["version": "v2", "expected": "v1"],
            answers: [
                .ok("Model", "No replica begins a request at the version before any more."),
                Route.Answer(
                    status: 202,
                    about: "The canary has begun; watch `rollout` of the model.",
                    schema: "Model"
                ),
            ],
            problems: Self.problems + [.epochNotReached],
            handler: writes.change
        )
    }

    private static func rollBack(_ writes: ModelWrites) -> Route {
        Route(
            method: .post,
            path: "/models/{model_type}/rollback",
            name: "rollBackModel",
            tag: "models",
            summary: "Undo a running canary, or go back to the version before the latest",
            parameters: [Self.type],
            body: "RollbackRequest",
            bodyExample: [:],
            answers: [.ok("Model", "No replica begins a request at the version that was left any more.")],
            problems: Self.problems + [.epochNotReached],
            handler: writes.rollBack
        )
    }

    private static func retire(_ writes: ModelWrites) -> Route {
        Route(
            method: .post,
            path: "/models/{model_type}/versions/{version}/retire",
            name: "retireModelVersion",
            tag: "models",
            summary: "Give a version no new requests, wait for its last ones, and have it unloaded",
            parameters: [Self.type, .path("version", "Names the version.")],
            body: "RetireRequest",
            bodyExample: ["timeout": 60],
            answers: [Route.Answer(status: 202, about: "It drains; watch its state.", schema: "ModelVersion")],
            problems: Self.problems + [.versionInUse],
            handler: writes.retire
        )
    }

    private static func aliases(_ writes: ModelWrites) -> [Route] {
        let parameters = [Self.type, .path("alias", "Any name but `latest` and those of versions.")]
        return [
            Route(
                method: .put,
                path: "/models/{model_type}/aliases/{alias}",
                name: "pointModelAlias",
                tag: "models",
                summary: "Point an alias at a version",
                parameters: parameters,
                body: "AliasRequest",
                bodyExample: ["version": "v1"],
                answers: [.ok("Model", "The alias points there.")],
                problems: Self.problems,
                handler: writes.pointAlias
            ),
            Route(
                method: .delete,
                path: "/models/{model_type}/aliases/{alias}",
                name: "removeModelAlias",
                tag: "models",
                summary: "Take an alias away",
                parameters: parameters,
                answers: [.ok("Model", "The alias is gone.")],
                problems: Self.problems,
                handler: writes.removeAlias
            ),
        ]
    }

    private static func traffic(_ writes: ModelWrites) -> [Route] {
        [
            Route(
                method: .put,
                path: "/models/{model_type}/traffic",
                name: "splitModelTraffic",
                tag: "models",
                summary: "Split the predictions that name no version, exactly, over the whole cluster",
                parameters: [Self.type],
                body: "TrafficRequest",
                bodyExample: ["split": ["v1": 90, "v2": 10]],
                answers: [.ok("Model", "The split is in force.")],
                problems: Self.problems,
                handler: writes.splitTraffic
            ),
            Route(
                method: .delete,
                path: "/models/{model_type}/traffic",
                name: "endModelTrafficSplit",
                tag: "models",
                summary: "Give all to the latest again",
                parameters: [Self.type],
                answers: [.ok("Model", "The latest has all of it.")],
                problems: Self.problems,
                handler: writes.endSplit
            ),
        ]
    }
}
