public import Registry

/// A training job as the hash `job:<id>` holds it.
///
/// Lenient: a field that is missing or broken takes a value that harms nobody, because an older or newer build, or a
/// person, may have written it. Only a job without status or model type is none.
public enum JobRecord {
    /// What a step writes: nil removes the field.
    public enum Change: Hashable, Sendable {
        case service(ServiceID)
        case url(ServiceURL)
        case watchPath(String?)
        case round(Int)
        case asked([ServiceID])
        case progress(Double?)
        case message(String?)
        case result(JSONValue?)
        case modelVersion(String?)
        case problem(Problem.Code, String)
        case attempts([Problem.Attempt])
        case maybeStarted(Bool)
        case cancel(String)
        case rows(Int)

        var fields: [(name: String, value: String)] {
            switch self {
            case .service(let id): [("service", id.text)]
            case .url(let url): [("url", url.description)]
            case .watchPath(let path): [("watch", path ?? "")]
            case .round(let round): [("round", String(round))]
            case .asked(let ids): [("asked", ids.map(\.text).joined(separator: ","))]
            case .progress(let share): [("progress", share.map { String($0) } ?? "")]
            case .message(let text): [("message", text ?? "")]
            case .result(let json): [("result", json?.serialized() ?? "")]
            case .modelVersion(let version): [("model_version", version ?? "")]
            case .problem(let code, let sentence): [("code", code.rawValue), ("error", sentence)]
            case .attempts(let attempts): [("attempts", JobRecord.text(attempts))]
            case .maybeStarted(let flag): [("maybe_started", flag ? "true" : "")]
            case .cancel(let text): [("cancel", text)]
            case .rows(let count): [("rows", String(count))]
            }
        }
    }

    /// What a new job is told of besides its request.
    static func fields(of request: TrainingRequest) -> [(name: String, value: String)] {
        [
            ("model_type", request.modelType.text), ("requested_version", request.modelVersion?.text ?? ""),
            ("data_source", request.dataSourceJSON?.serialized() ?? ""),
            ("validation", request.validation?.serialized() ?? ""),
        ].filter { !$0.1.isEmpty }
    }

    static func decode(id: JobID, fields: [String: String]) throws(StateError) -> Job {
        guard let status = fields["status"].flatMap({ JobStatus(rawValue: $0) }),
            let type = fields["model_type"].flatMap({ ModelType($0) })
        else { throw StateError(.unreadable, "the job \(id) has no status or model type") }
        let created = self.time(fields["created_at"]) ?? Timestamp(milliseconds: 0)
        var job = Job(id: id, status: status, modelType: type, createdAt: created)
        job.phase = status.isEnd ? nil : fields["phase"].flatMap { JobPhase(rawValue: $0) } ?? .waiting
        job.startedAt = self.time(fields["started_at"])
        job.endedAt = self.time(fields["ended_at"])
        job.runner = fields["runner"].flatMap { $0.isEmpty ? nil : $0 }
        self.readPlace(fields, into: &job)
        self.readOutcome(fields, into: &job)
        return job
    }

    private static func readPlace(_ fields: [String: String], into job: inout Job) {
        job.requestedVersion = fields["requested_version"].flatMap {
            ModelVersion($0) ?? ($0 == "latest" ? .latest : nil)
        }
        job.service = fields["service"].flatMap { ServiceID($0) }
        job.url = fields["url"].flatMap { try? ServiceURL($0) }
        job.watchPath = fields["watch"]
        job.round = fields["round"].flatMap { Int($0) } ?? 1
        job.asked = (fields["asked"] ?? "").split(separator: ",").compactMap { ServiceID(String($0)) }
        job.dataSource = self.json(fields["data_source"])
        job.validation = self.json(fields["validation"])
    }

    private static func readOutcome(_ fields: [String: String], into job: inout Job) {
        job.progress = fields["progress"].flatMap { Double($0) }
        job.message = fields["message"]
        job.result = self.json(fields["result"])
        job.modelVersion = fields["model_version"]
        job.error = fields["error"]
        job.code = fields["code"].flatMap { Problem.Code(rawValue: $0) }
        job.attempts = self.attempts(fields["attempts"])
        job.maybeStarted = fields["maybe_started"] == "true"
        job.cancel = fields["cancel"]
        job.rows = fields["rows"].flatMap { Int($0) }
    }

    private static func time(_ text: String?) -> Timestamp? {
        text.flatMap { Int64($0) }.map { Timestamp(milliseconds: $0) }
    }

    private static func json(_ text: String?) -> JSONValue? {
        text.flatMap { try? JSONValue.parse($0) }
    }

    private static func text(_ attempts: [Problem.Attempt]) -> String {
        let list = attempts.suffix(Job.attemptsMax).map { attempt -> JSONValue in
            [
                "service_id": .string(attempt.service.text), "url": .string(attempt.url.description),
                "outcome": .string(attempt.outcome), "ms": .integer(attempt.milliseconds),
            ]
        }
        return JSONValue.array(list).serialized()
    }

    private static func attempts(_ text: String?) -> [Problem.Attempt] {
        (self.json(text)?.asArray ?? []).compactMap { one in
            guard let service = one["service_id"]?.asString.flatMap({ ServiceID($0) }),
                let url = one["url"]?.asString.flatMap({ try? ServiceURL($0) }), let outcome = one["outcome"]?.asString
            else { return nil }
            let milliseconds = one["ms"]?.asInteger ?? 0
            return Problem.Attempt(service: service, url: url, outcome: outcome, milliseconds: milliseconds)
        }
    }
}
