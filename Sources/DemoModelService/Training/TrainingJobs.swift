import ServiceLifecycle

/// Runs training orders one after another and remembers how each went.
///
/// One at a time, so that training never takes more than one core from predictions. Bounded in what waits and what is
/// remembered. Leaving: the server, which stops first, waits for the answers to synchronous callers; what is still
/// under way then is nobody's and is cancelled.
actor TrainingJobs: Service {
    static let queuedJobsMax = 8
    static let rememberedJobsMax = 64

    enum Refusal: Error, Equatable { case queueFull, versionTaken }

    private let modelType: String
    private let models: ServedModels
    private var jobs: [TrainingJob] = []
    private var waiters: [String: [CheckedContinuation<TrainingJob, Never>]] = [:]
    /// Job by the key its caller gave; forgotten with the job.
    private var keys: [String: String] = [:]
    private var submitted = 0
    private let orders: AsyncStream<(String, TrainingOrder)>
    private let queue: AsyncStream<(String, TrainingOrder)>.Continuation

    init(modelType: String, models: ServedModels) {
        self.modelType = modelType
        self.models = models
        (self.orders, self.queue) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.queuedJobsMax))
    }

    /// Versions that are being made.
    var promisedVersions: Set<String> { Set(self.jobs.filter { !$0.ended }.map(\.modelVersion)) }

    func job(_ id: String) -> TrainingJob? { self.jobs.first { $0.jobId == id } }

    func job(ofKey key: String) -> TrainingJob? { self.keys[key].flatMap { self.job($0) } }

    /// Ends a job that has not ended; nil when there is none. A run that is under way notices after its epoch.
    func cancel(_ id: String) -> TrainingJob? {
        guard let known = self.job(id) else { return nil }
        if !known.ended { self.change(id) { $0.status = .cancelled } }
        return self.job(id)
    }

    /// A key that is known gives the job it gave before.
    func submit(_ order: TrainingOrder, key: String? = nil) throws(Refusal) -> TrainingJob {
        if let key, let known = self.job(ofKey: key) { return known }
        guard self.jobs.count(where: { $0.status == .queued }) < Self.queuedJobsMax else { throw .queueFull }
        guard !self.models.snapshot.contains(order.version), !self.promisedVersions.contains(order.version) else {
            throw .versionTaken
        }
        self.submitted += 1
        let job = TrainingJob(
            jobId: "job-\(self.submitted)",
            modelType: self.modelType,
            modelVersion: order.version,
            epochs: order.recipe.epochs
        )
        self.remember(job)
        if let key { self.keys[key] = job.jobId }
        self.queue.yield((job.jobId, order))
        return job
    }

    /// Waits until the job has ended, one way or another.
    func end(of job: TrainingJob) async -> TrainingJob {
        if let known = self.job(job.jobId), known.ended { return known }
        return await withCheckedContinuation { self.waiters[job.jobId, default: []].append($0) }
    }

    func run() async throws {
        await withTaskCancellationOrGracefulShutdownHandler {
            for await (id, order) in self.orders { await self.perform(order, id) }
        } onCancelOrGracefulShutdown: {
            self.queue.finish()
        }
        for job in self.jobs where !job.ended { self.change(job.jobId) { $0.status = .cancelled } }
    }

    private func remember(_ job: TrainingJob) {
        if self.jobs.count >= Self.rememberedJobsMax, let oldest = self.jobs.firstIndex(where: \.ended) {
            let forgotten = self.jobs.remove(at: oldest)
            self.keys = self.keys.filter { $0.value != forgotten.jobId }
        }
        self.jobs.append(job)
    }

    /// Off the actor: an epoch must not keep callers from reading a job.
    @concurrent private nonisolated func perform(_ order: TrainingOrder, _ id: String) async {
        guard await !self.isOver(id) else { return }
        var run = order.makeRun()
        let before = run.loss
        await self.change(id) { ($0.status, $0.lossBefore, $0.loss) = (.running, before, before) }
        for epoch in 1...order.recipe.epochs {
            guard !Task.isCancelled, !Task.isShuttingDownGracefully else {
                return await self.change(id) { $0.status = .cancelled }
            }
            run.epoch()
            let loss = run.loss
            guard await !self.isOver(id) else { return }
            await self.change(id) { ($0.epoch, $0.loss) = (epoch, loss) }
        }
        await self.conclude(order, id, run)
    }

    private func isOver(_ id: String) -> Bool { self.job(id)?.ended ?? true }

    private func conclude(_ order: TrainingOrder, _ id: String, _ run: TrainingRun) {
        guard !self.isOver(id) else { return }
        let loss = run.loss
        guard loss.isFinite else { return self.fail(id, "the loss is no longer a number: lower learning_rate") }
        let forecaster = Forecaster(network: run.network, scale: order.scale)
        switch self.models.put(order.version, forecaster, state: order.load ? .ready : .unloaded) {
        case .done: self.change(id) { ($0.status, $0.lossAfter) = (.succeeded, loss) }
        case .refuseTaken: self.fail(id, "version \(order.version) exists already")
        case .refuseFull: self.fail(id, "the service keeps at most \(ModelShelf.versionsMax) versions")
        }
    }

    private func fail(_ id: String, _ reason: String) {
        self.change(id) { ($0.status, $0.loss, $0.error) = (.failed, nil, reason) }
    }

    private func change(_ id: String, _ edit: @Sendable (inout TrainingJob) -> Void) {
        guard let index = self.jobs.firstIndex(where: { $0.jobId == id && !$0.ended }) else { return }
        edit(&self.jobs[index])
        let job = self.jobs[index]
        guard job.ended else { return }
        for waiter in self.waiters.removeValue(forKey: id) ?? [] { waiter.resume(returning: job) }
    }
}
