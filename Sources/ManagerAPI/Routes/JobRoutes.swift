internal import HTTPTypes
internal import Registry

/// The rows of the table about training jobs.
enum JobRoutes {
    static func routes(_ calls: JobCalls) -> [Route] {
        [Self.submit(calls), Self.list(calls), Self.show(calls), Self.cancel(calls)]
    }

    private static let tag = "training"
    private static let id = Route.Parameter.path("job", "Names the job.")
    private static let prefer = Route.Parameter.header(
        "prefer",
        "`wait=N`: wait up to N seconds, 60 at most, for the job's end.",
        ["type": "string"]
    )

    private static func submit(_ calls: JobCalls) -> Route {
        Route(
            method: .post,
            path: "/train",
            name: "train",
            tag: self.tag,
            summary: "Submit a training job; any replica runs it and shows it",
            parameters: [
                self.prefer,
                .header(
                    "idempotency-key",
                    "The same key with the same body gives the same job, as long as the job is kept: 7 days after its end.",
                    ["type": "string", "minLength": 1, "maxLength": 255]
                ),
            ],
            body: "TrainRequest",
            bodyExample: ["model_type": "LSTM", "config": ["epochs": 20]],
            answers: [
                .ok("Job", "The job has ended, while the caller waited or before."),
                .init(status: 202, about: "The job; `Location` is where to ask about it.", schema: "Job"),
            ],
            problems: [
                .payloadTooLarge, .validationError, .modelNotFound, .versionNotFound, .serviceNotFound,
                .capabilityMismatch, .idempotencyConflict, .overloaded, .storeUnavailable,
            ],
            access: .role(.predict),
            handler: calls.submit
        )
    }

    private static func list(_ calls: JobCalls) -> Route {
        Route(
            method: .get,
            path: "/train",
            name: "listJobs",
            tag: self.tag,
            summary: "Training jobs, the newest first",
            parameters: [
                .query(
                    "limit",
                    "How many at most; a page has 1000 however many are asked for.",
                    ["type": "integer", "minimum": 1, "maximum": 10_000, "default": 1000]
                ),
                .query("after", "Continue after this job.", ["type": "string"]),
                .query(
                    "status",
                    "Only jobs that stand so.",
                    ["type": "string", "enum": .array(JobStatus.allCases.map { .string($0.rawValue) })]
                ),
                .query("model_type", "Only jobs of this model type.", ["type": "string"]),
            ],
            answers: [.ok("JobList", "The jobs.")],
            problems: [.validationError, .notFound, .storeUnavailable],
            handler: calls.list
        )
    }

    private static func show(_ calls: JobCalls) -> Route {
        Route(
            method: .get,
            path: "/train/{job}",
            name: "getJob",
            tag: self.tag,
            summary: "One training job",
            parameters: [self.id, self.prefer],
            answers: [.ok("Job", "The job.")],
            problems: [.validationError, .jobNotFound, .storeUnavailable],
            handler: calls.show
        )
    }

    private static func cancel(_ calls: JobCalls) -> Route {
        Route(
            method: .delete,
            path: "/train/{job}",
            name: "cancelJob",
            tag: self.tag,
            summary: "Cancel a training job: at once while no trainer has it, else by asking the trainer",
            parameters: [self.id, self.prefer],
            answers: [
                .ok("Job", "The job is over: cancelled now, or ended before."),
                .init(
                    status: 202,
                    about: "Its trainer is asked; `cancel` of the job tells what it said.",
                    schema: "Job"
                ),
            ],
            problems: [.validationError, .jobNotFound, .storeUnavailable],
            access: .role(.predict),
            handler: calls.cancel
        )
    }
}
