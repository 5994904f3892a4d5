internal import ClusterState
internal import Decisions
internal import Gateway
internal import Logging
internal import Registry

/// What every run of a job on this replica shares.
struct JobDesk: Sendable {
    let state: ClusterState
    let port: any TrainerPort
    let snapshot: @Sendable () -> RegistrySnapshot
    /// `SERVICE_TIMEOUT`, for questions to services that name none.
    let timeout: Duration
    let policy: JobPolicy
    let time: LoopTime
    let logger: Logger
    /// Whether Redis keeps the session for sure.
    let isTrusted: @Sendable (_ session: String) -> Bool

    /// What trains the job's model type and version, the best first.
    func trainers(for job: Job) -> [Trainer] {
        let snapshot = self.snapshot()
        guard let model = snapshot.models[job.modelType] else { return [] }
        let version = job.requestedVersion.map { model.resolve($0) ?? $0 }
        // A service that has several versions is one trainer.
        let services = Set(model.versions.values.joined()).compactMap { snapshot[$0] }.filter { service in
            service.definition.offers("training") && (version.map { service.definition.modelVersion == $0 } ?? true)
        }
        let trainers = services.flatMap { service in
            self.instances(of: service).map { self.trainer(service, $0, latest: model.latest) }
        }
        // Equal ones are told apart by the job, so that jobs spread.
        return trainers.map { ($0, StableHash.of("\(job.id)\($0.key)")) }.sorted { left, right in
            (left.0.isLatest ? 0 : 1, left.0.inFlight, left.1) < (right.0.isLatest ? 0 : 1, right.0.inFlight, right.1)
        }.map(\.0)
    }

    /// The live state of each instance; those that the data plane does not know yet are taken as they were registered.
    func instances(of service: Service) -> [InstanceState] {
        let known = self.port.states(of: service.id)
        if !known.isEmpty { return known }
        return service.instances.map { key in
            var state = InstanceState(key: key)
            state.isDraining = service.isDraining
            return state
        }
    }

    /// What the instance is called; an address that is no longer its service's, by itself.
    func origin(of key: InstanceKey) -> ServiceURL {
        guard let service = self.snapshot()[key.service], service.instances.contains(key) else { return key.url }
        return service.origin(of: key)
    }

    func call(_ key: InstanceKey) -> TrainerCall {
        TrainerCall(url: key.url, origin: self.origin(of: key), port: self.port)
    }

    /// Between two tries while Redis cannot be used, and how many of them pass before an operator is told.
    private static let retryPause = Duration.milliseconds(250)
    private static let quietTries = 20

    /// Repeats a step of a job until Redis carries it out: what is known of a training must not get lost because Redis
    /// was away for a moment. Throws what more tries would not change, and anything once the task is cancelled.
    func untilStored<Reply>(
        _ job: JobID,
        _ step: (ClusterState) async throws(StateError) -> Reply
    ) async throws(StateError) -> Reply {
        var tries = 0
        while true {
            do throws(StateError) {
                return try await step(self.state)
            } catch {
                guard error.code == .unavailable || error.code == .unreadable, !Task.isCancelled else { throw error }
                tries += 1
                let level: Logger.Level = tries == Self.quietTries ? .warning : .debug
                let metadata: Logger.Metadata = ["mm.job": "\(job)", "mm.error": "\(error)"]
                self.logger.log(level: level, "a job's step cannot be stored, it is tried on", metadata: metadata)
                try? await self.time.sleep(Self.retryPause)
            }
        }
    }

    private func trainer(_ service: Service, _ instance: InstanceState, latest: ModelVersion) -> Trainer {
        Trainer(
            key: instance.key,
            limit: service.definition.concurrentRequestsMax ?? 0,
            reason: service.isDraining ? "draining" : instance.reasonToAvoid,
            inFlight: instance.inFlight,
            isLatest: service.definition.modelVersion == latest,
            takesDataURL: service.definition.offers("data_url")
        )
    }
}
