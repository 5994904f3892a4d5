internal import Registry

/// A training job as callers see it.
enum JobJSON {
    static func json(_ job: Job) -> JSONValue {
        [
            "job_id": .string(job.id.text), "status": .string(job.status.rawValue),
            "model_type": .string(job.modelType.text), "requested_version": JSONValue(job.requestedVersion?.text),
            "phase": JSONValue(job.phase?.rawValue), "progress": job.progress.map { .number($0) } ?? .null,
            "message": JSONValue(job.message), "model_version": JSONValue(job.modelVersion),
            "result": job.result ?? .null, "error": JSONValue(job.error), "code": JSONValue(job.code?.rawValue),
            "maybe_started": .bool(job.maybeStarted), "cancel": JSONValue(job.cancel),
            "service_id": JSONValue(job.service?.text), "service_url": JSONValue(job.url?.description),
            "runner": JSONValue(self.replica(job.runner)), "rows": job.rows.map { .integer(Int64($0)) } ?? .null,
            "data_source": job.dataSource ?? .null, "validation": job.validation ?? .null,
            "created_at": .string(job.createdAt.description), "started_at": JSONValue(job.startedAt?.description),
            "ended_at": JSONValue(job.endedAt?.description), "attempts": .array(job.attempts.map(self.json)),
        ]
    }

    /// The replica of a session.
    private static func replica(_ session: String?) -> String? {
        session.map { name in String(name.lastIndex(of: ".").map { name[..<$0] } ?? name[...]) }
    }

    private static func json(_ attempt: Problem.Attempt) -> JSONValue {
        [
            "service_id": .string(attempt.service.text), "url": .string(attempt.url.description),
            "outcome": .string(attempt.outcome), "ms": .integer(attempt.milliseconds),
        ]
    }
}
