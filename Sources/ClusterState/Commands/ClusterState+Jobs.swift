internal import RedisClient
public import Registry

/// A training run that somebody asked for.
public struct JobOrder: Hashable, Sendable {
    public var id: JobID
    /// `Idempotency-Key`.
    public var key: String?
    public var request: TrainingRequest
    /// The request as it came.
    public var body: [UInt8]

    public init(id: JobID, key: String?, request: TrainingRequest, body: [UInt8]) {
        self.id = id
        self.key = key
        self.request = request
        self.body = body
    }
}

/// What became of an order.
public enum SubmitReply: Hashable, Sendable {
    case queued(Job)
    /// The same was asked for before.
    case known(Job)
    /// The key belongs to another request.
    case conflict(JobID)
    case full(jobs: Int, bytes: Int)
}

/// A job that this session runs from now on.
public struct ClaimedJob: Hashable, Sendable {
    public var job: Job
    /// Until it must have ended.
    public var remaining: Duration
}

/// What a runner hears when it took a step.
public enum JobStep: Hashable, Sendable {
    case done
    /// Somebody wants the job cancelled.
    case cancelRequested
    /// So many trainings are at the trainer already, and it takes no more.
    case full(Int)
    /// The job is no longer this session's, or is over, or gone: nothing was written, and nothing may be done for it.
    case lost
}

/// What became of a wish to cancel.
public enum CancelReply: Hashable, Sendable {
    case cancelled(Job)
    /// Its runner is told.
    case requested(Job)
    /// It was over before.
    case ended(Job)
    case absent
}

/// A page of jobs, the newest first.
public struct JobPage: Hashable, Sendable {
    public var jobs: [Job]
    public var next: JobID?

    public init(jobs: [Job], next: JobID?) {
        self.jobs = jobs
        self.next = next
    }
}

extension ClusterState {
    /// Keeps a new job until a runner takes it; may be repeated after an unknown outcome.
    public func submit(_ order: JobOrder, by actor: String? = nil) async throws(StateError) -> SubmitReply {
        let timeout = Self.milliseconds(order.request.timeout)
        let head: [RedisWord] = [
            RedisWord(order.id.text), RedisWord(order.key ?? ""), RedisWord(order.body), RedisWord(timeout),
            RedisWord(actor ?? self.actor),
        ]
        let fields = JobRecord.fields(of: order.request).flatMap { [RedisWord($0.name), RedisWord($0.value)] }
        var reply = try await self.call("job_submit", head + fields)
        let status = try reply.text()
        if status == "full" {
            return .full(jobs: Int(try reply.integer()), bytes: Int(try reply.integer()))
        }
        let id = try Self.jobID(try reply.text())
        if status == "conflict" { return .conflict(id) }
        let job = try JobRecord.decode(id: id, fields: try reply.fields())
        return status == "queued" ? .queued(job) : .known(job)
    }

    /// Takes at most so many jobs; nil when the session is over. `running` are those that the caller runs already.
    public func claimJobs(_ count: Int, session: String, running: [JobID]) async throws(StateError) -> [ClaimedJob]? {
        let head = [RedisWord(session), RedisWord(Int64(count))]
        var reply = try await self.call("job_claim", head + running.map { RedisWord($0.text) })
        guard try reply.text() == "ok" else { return nil }
        var claimed: [ClaimedJob] = []
        for item in reply.rest() {
            var part = try ReplyReader(item, of: "job_claim")
            let id = try Self.jobID(try part.text())
            let remaining = Duration.milliseconds(try part.integer())
            // What a person broke must not keep the others from being run.
            guard let job = try? JobRecord.decode(id: id, fields: try part.fields()) else { continue }
            claimed.append(ClaimedJob(job: job, remaining: remaining))
        }
        return claimed
    }

    /// Notes that the job's request leaves for the trainer now, if no more than `limit` trainings will be there.
    /// May be repeated after an unknown outcome.
    public func sendJob(
        _ id: JobID,
        to instance: InstanceKey,
        limit: Int,
        session: String,
        _ changes: [JobRecord.Change]
    ) async throws(StateError) -> JobStep {
        let place: [JobRecord.Change] = [.service(instance.service), .url(instance.url)]
        let head = [session, id.text, instance.description, String(limit)]
        return try await self.step("job_send", head, place + changes)
    }

    /// Notes how the job goes on; a nil phase stays as it is.
    public func noteJob(
        _ id: JobID,
        phase: JobPhase?,
        session: String,
        _ changes: [JobRecord.Change]
    ) async throws(StateError) -> JobStep {
        try await self.step("job_note", [session, id.text, phase?.rawValue ?? ""], changes)
    }

    /// Gives the job back: one that no trainer has waits again, due after the delay; any other one is for the next runner.
    public func releaseJob(
        _ id: JobID,
        after delay: Duration,
        session: String,
        _ changes: [JobRecord.Change]
    ) async throws(StateError) -> JobStep {
        try await self.step("job_release", [session, id.text, Self.milliseconds(delay)], changes)
    }

    public func endJob(
        _ id: JobID,
        _ status: JobStatus,
        detail: String,
        session: String,
        _ changes: [JobRecord.Change]
    ) async throws(StateError) -> JobStep {
        precondition(status.isEnd, "\(status) is no end")
        return try await self.step("job_end", [session, id.text, status.rawValue, detail], changes)
    }

    public func cancelJob(_ id: JobID, by actor: String? = nil) async throws(StateError) -> CancelReply {
        var reply = try await self.call("job_cancel", [RedisWord(id.text), RedisWord(actor ?? self.actor)])
        let status = try reply.text()
        guard status != "absent" else { return .absent }
        let job = try JobRecord.decode(id: id, fields: try reply.fields())
        switch status {
        case "cancelled": return .cancelled(job)
        case "requested": return .requested(job)
        default: return .ended(job)
        }
    }

    /// One job as the store has it now; nil when there is none.
    public func job(_ id: JobID) async throws(StateError) -> Job? {
        let value = try await self.send(["HGETALL", RedisWord(self.keys.job(id))])
        let fields = ReplyReader.dictionary((value.array ?? []).map { $0.string ?? "" }[...])
        return fields.isEmpty ? nil : try JobRecord.decode(id: id, fields: fields)
    }

    /// What the job's caller sent; nil when the job has ended or there is none.
    public func jobRequest(_ id: JobID) async throws(StateError) -> [UInt8]? {
        try await self.send(["GET", RedisWord(self.keys.jobRequest(id))]).bytes
    }

    /// At most `limit` jobs after the one named; nil when there is no such job.
    public func jobs(
        after id: JobID?,
        limit: Int,
        status: JobStatus?,
        modelType: ModelType?
    ) async throws(StateError) -> JobPage? {
        var page = JobPage(jobs: [], next: id)
        repeat {
            let arguments = [
                page.next?.text ?? "", String(min(limit - page.jobs.count, Self.jobsInReplyMax)),
                status?.rawValue ?? "",
                modelType?.text ?? "",
            ]
            var reply = try await self.call("job_list", arguments.map { RedisWord($0) })
            let next = try reply.text()
            guard next != "absent" else { return nil }
            page.next = JobID(next)
            for item in reply.rest() {
                var part = try ReplyReader(item, of: "job_list")
                let id = try Self.jobID(try part.text())
                page.jobs.append(try JobRecord.decode(id: id, fields: try part.fields()))
            }
        } while page.next != nil && page.jobs.count < limit
        return page
    }

    private static let jobsInReplyMax = 200

    private func step(
        _ function: String,
        _ head: [String],
        _ changes: [JobRecord.Change]
    ) async throws(StateError) -> JobStep {
        let fields = changes.flatMap(\.fields).flatMap { [$0.name, $0.value] }
        var reply = try await self.call(function, (head + fields).map { RedisWord($0) })
        switch try reply.text() {
        case "ok": return reply.rest().first?.string == "requested" ? .cancelRequested : .done
        case "full": return .full(Int(try reply.integer()))
        case "lost", "ended", "absent": return .lost
        case let status: throw StateError(.unreadable, "\(function) answered \(status)")
        }
    }

    private static func jobID(_ text: String) throws(StateError) -> JobID {
        guard let id = JobID(text) else { throw StateError(.unreadable, "a job has the name \(text)") }
        return id
    }
}
