import HTTPTypes
import Hummingbird

/// `POST /train`, `GET` and `DELETE /train/{job}`: makes a version, at once or while the caller polls. An
/// `Idempotency-Key` that is known gives the job it gave before; `GET /train?idempotency_key=` finds it.
struct TrainRoutes: Sendable {
    private static let prefer = HTTPField.Name("prefer")
    private static let idempotencyKey = HTTPField.Name("idempotency-key")

    struct List: ResponseEncodable {
        let jobs: [TrainingJob]
    }

    struct Order: Decodable {
        var modelType: String?
        var config: TrainingConfig?
        /// A manager puts the rows of a data source here.
        var data: [Double]?
        var wait: Bool?

        enum CodingKeys: String, CodingKey {
            case modelType = "model_type"
            case config, data, wait
        }
    }

    let service: ServiceConfiguration
    let models: ServedModels
    let jobs: TrainingJobs

    func train(_ request: Request, _ context: DemoContext) async throws -> Response {
        let body = try await request.decodeBody(as: Order.self)
        if let type = body.modelType, !self.service.serves(type) {
            throw Problem(.notFound, "model_type \(type) is not trained here, only \(self.service.modelType)")
        }
        let config = body.config ?? TrainingConfig()
        let data = config.data ?? body.data
        let version = await self.version(config.modelVersion)
        let order = try config.order(version: version, data: data, recipe: self.service.recipe(for: version))
        let key = Self.idempotencyKey.flatMap { request.headers[$0] }
        let job = try await self.submit(order, key: key)
        let respondAsync = Self.prefer.flatMap { request.headers[$0] }?.lowercased().contains("respond-async") ?? false
        guard body.wait ?? config.wait ?? !respondAsync else { return try self.accepted(job, request, context) }
        let ended = await self.jobs.end(of: job)
        return try context.responseEncoder.encode(Self.success(ended), from: request, context: context)
    }

    func show(_ request: Request, _ context: DemoContext) async throws -> TrainingJob {
        let id = try context.parameters.require("job")
        guard let job = await self.jobs.job(id) else { throw Problem(.notFound, "there is no training job \(id)") }
        return job
    }

    func find(_ request: Request, _ context: DemoContext) async throws -> List {
        guard let key = request.uri.queryParameters["idempotency_key"] else {
            throw Problem(.badRequest, "idempotency_key is missing")
        }
        return List(jobs: await self.jobs.job(ofKey: String(key)).map { [$0] } ?? [])
    }

    func cancel(_ request: Request, _ context: DemoContext) async throws -> TrainingJob {
        let id = try context.parameters.require("job")
        guard let job = await self.jobs.cancel(id) else { throw Problem(.notFound, "there is no training job \(id)") }
        return job
    }

    /// Trains the order and waits; used by deployments too.
    func complete(_ order: TrainingOrder) async throws {
        _ = try await Self.success(self.jobs.end(of: self.submit(order)))
    }

    private func version(_ named: String?) async -> String {
        if let named { return named }
        return await self.models.snapshot.freeName(besides: self.jobs.promisedVersions)
    }

    private func submit(_ order: TrainingOrder, key: String? = nil) async throws(Problem) -> TrainingJob {
        do {
            return try await self.jobs.submit(order, key: key)
        } catch {
            switch error {
            case .queueFull:
                throw Problem(.serviceUnavailable, "too many training jobs wait", headers: [.retryAfter: "5"])
            case .versionTaken:
                throw Problem(.conflict, "version \(order.version) exists or is being trained: name another")
            }
        }
    }

    private func accepted(_ job: TrainingJob, _ request: Request, _ context: DemoContext) throws -> Response {
        var response = try context.responseEncoder.encode(job, from: request, context: context)
        response.status = .accepted
        response.headers[.location] = "/train/\(job.jobId)"
        return response
    }

    private static func success(_ job: TrainingJob) throws(Problem) -> TrainingJob {
        switch job.status {
        case .succeeded: return job
        case .cancelled: throw Problem(.conflict, "the training was cancelled")
        case .queued, .running, .failed: throw Problem(.internalServerError, job.error ?? "the training failed")
        }
    }
}
