internal import ClusterState
internal import Gateway
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import Registry

/// Submits, shows, lists and cancels training jobs. None of it waits for a trainer, unless the caller prefers to.
struct JobCalls: Sendable {
    let ports: FacePorts
    let knowledge: Knowledge
    let settings: FaceSettings

    /// Jobs of one page, however many are asked for: their figures come from the store with it.
    static let pageMax = 1000
    /// Between two looks at a job that is waited for: the first, doubling up to the last.
    private static let lookFirst = Duration.milliseconds(50)
    private static let lookMax = Duration.milliseconds(500)

    /// `POST /train`: 202, or 200 when the job has ended while the caller waited.
    func submit(_ call: Call) async throws -> Response {
        let body = try await call.body(bytesMax: self.settings.bodyBytesMax, setBy: "MAX_BODY_BYTES")
        let key = try Self.idempotencyKey(call.request.headers)
        let request = try TrainingRequest.read(ServiceBody.json(body))
        try await self.check(request, within: call.principal?.scope)
        var random = SystemRandomNumberGenerator()
        let id = JobID(random: random.next())
        let order = JobOrder(id: id, key: key, request: request, body: Array(body.readableBytesView))
        switch try await self.board().submit(order) {
        case .queued(let job), .known(let job): return try await self.answer(job, call, pending: .accepted)
        case .conflict(let id):
            throw Problem(
                .idempotencyConflict,
                "the Idempotency-Key belongs to another request",
                detail: "it was used for the job \(id)"
            )
        case .full(let jobs, let bytes):
            let detail = "\(jobs) jobs with \(bytes) bytes of requests have not ended"
            throw Problem(.overloaded, "too many training jobs wait", detail: detail, retryAfter: 30)
        }
    }

    /// `GET /train/{job}`
    func show(_ call: Call) async throws -> Response {
        let id = try call.name("job", JobID.self)
        guard let job = try await self.board().job(id) else { throw Self.absent(id) }
        return try await self.answer(job, call, pending: .ok)
    }

    /// `GET /train`
    func list(_ call: Call) async throws -> Response {
        let limit = min(try call.query.pageLimit(), Self.pageMax)
        let after = try call.query.name("after", JobID.self)
        let status = try call.query.choice("status", JobStatus.self)
        let type = try call.query.name("model_type", ModelType.self)
        let page = try await self.board().jobs(after: after, limit: limit, status: status, modelType: type)
        guard let page else {
            throw Refusal.invalid(
                at: ["query", "after"],
                "names no job, or one that was forgotten",
                type: "value_error"
            )
        }
        return .json(["jobs": .array(page.jobs.map(JobJSON.json)), "next": JSONValue(page.next?.text)])
    }

    /// `DELETE /train/{job}`: 200 when the job is over, 202 when its trainer is being asked.
    func cancel(_ call: Call) async throws -> Response {
        let id = try call.name("job", JobID.self)
        try await self.checkOwner(of: id, call.principal?.scope)
        switch try await self.board().cancel(id) {
        case .absent: throw Self.absent(id)
        case .cancelled(let job), .ended(let job): return .json(JobJSON.json(job))
        case .requested(let job): return try await self.answer(job, call, pending: .accepted)
        }
    }

    /// A caller with a scope cancels jobs of his own models only.
    private func checkOwner(of id: JobID, _ scope: AccessScope?) async throws {
        guard let scope, let job = try await self.board().job(id) else { return }
        try scope.require(job.modelType, self.ports.snapshots.snapshot)
    }

    private func board() throws(Problem) -> any JobBoard {
        guard let board = self.ports.jobs else { throw Problem(.notFound, "this replica keeps no training jobs") }
        return board
    }

    /// Refuses what no trainer or data service could ever take as things are now.
    private func check(_ request: TrainingRequest, within scope: AccessScope?) async throws {
        let model = try await self.knowledge.model(request.modelType)
        var versions = Set(model.versions.keys)
        if let asked = request.modelVersion {
            guard let version = model.resolve(asked), versions.contains(version) else {
                throw Problem(.versionNotFound, "there is no version \(asked) of model_type \(request.modelType)")
            }
            versions = [version]
        }
        let snapshot = try self.knowledge.snapshot()
        let services = versions.flatMap { model.versions[$0] ?? [] }.compactMap { snapshot[$0] }
        for service in services { try scope?.require(service.id) }
        guard services.contains(where: { $0.definition.offers("training") }) else {
            throw Problem(
                .capabilityMismatch,
                "no service of model_type \(request.modelType) has the capability training"
            )
        }
        guard let source = request.dataSource else { return }
        try scope?.require(source.service)
        let service = try await self.knowledge.service(source.service)
        if let fault = source.fault(for: service) {
            throw Refusal.invalid(at: ["body", "data_source", "service"], fault, type: "value_error")
        }
    }

    /// The job, at its end if the caller prefers to wait and it comes in time.
    private func answer(_ job: Job, _ call: Call, pending: HTTPResponse.Status) async throws -> Response {
        let preference = Preference(call.request.headers)
        let job = preference.wait == nil ? job : try await self.wait(for: job, call, preference)
        var headers = preference.applied
        headers[.location] = "/train/\(job.id)"
        return .json(JobJSON.json(job), status: job.status.isEnd ? .ok : pending, headers: headers)
    }

    /// A replica that leaves does not wait on: the job goes on without it, and the caller can ask the next one.
    private func wait(for job: Job, _ call: Call, _ preference: Preference) async throws -> Job {
        let (clocks, board, replica) = (self.ports.clocks, try self.board(), self.ports.replica)
        let deadline = clocks.monotonic() + .seconds(preference.wait ?? 0)
        return try await call.whileCallerPresent {
            var (job, pause) = (job, Self.lookFirst)
            while !job.status.isEnd, !replica.isDraining, clocks.monotonic() < deadline {
                try await clocks.sleep(min(pause, deadline - clocks.monotonic()))
                pause = min(pause * 2, Self.lookMax)
                // A store that is away for a moment must not cost the caller the job's id.
                guard let now = try? await board.job(job.id) else { continue }
                job = now
            }
            return job
        }
    }

    private static func idempotencyKey(_ headers: HTTPFields) throws -> String? {
        let keys = headers[values: .idempotencyKey]
        guard let key = keys.first else { return nil }
        let isPlain = (1...255).contains(key.utf8.count) && key.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        guard keys.count == 1, isPlain else {
            throw Problem(.invalidRequest, "Idempotency-Key must stand once, with 1 to 255 visible ASCII characters")
        }
        return key
    }

    private static func absent(_ id: JobID) -> Problem {
        Problem(.jobNotFound, "there is no training job \(id)", detail: "GET /train lists those there are")
    }
}
