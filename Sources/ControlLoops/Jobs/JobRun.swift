internal import ClusterState
internal import Decisions
internal import Gateway
internal import Logging
internal import NIOCore
internal import Registry

/// One job in this runner's hands: carries out the steps of `JobMachine` until the job ends, is given back or is lost.
///
/// Nothing is done outside before it stands in Redis, and nothing at all once Redis says that the job is another's. What
/// must be noted is tried until Redis takes it: a job whose path is forgotten could not be found again.
struct JobRun {
    let desk: JobDesk
    let session: String
    var job: Job
    var machine: JobMachine
    /// The trainer's body, with its data; nil until fetched.
    var order: TrainerOrder?
    private var hasGivenUp = false

    /// How often a run makes sure that the job is still its own, and hears whether somebody wants it cancelled.
    static let tick = Duration.seconds(1)

    init(_ claimed: ClaimedJob, session: String, desk: JobDesk) {
        let now = desk.time.now()
        self.desk = desk
        self.session = session
        self.job = claimed.job
        self.machine = JobMachine(claimed.job, policy: desk.policy, deadline: now + claimed.remaining, now: now)
    }

    /// Ends when the job is no longer this run's. A cancelled run gives the job back.
    mutating func run() async {
        var step: JobMachine.Step? = self.machine.begin()
        while let next = step, !Task.isCancelled { step = await self.take(next) }
        guard Task.isCancelled, !self.hasGivenUp else { return }
        let (state, id, session) = (self.desk.state, self.job.id, self.session)
        self.machine.giveBack()
        let changes = self.bookkeeping
        try? await LastWord.say { _ = try await state.releaseJob(id, after: .zero, session: session, changes) }
    }

    private mutating func take(_ step: JobMachine.Step) async -> JobMachine.Step? {
        switch step {
        case .look: return await self.look()
        case .send(let trainer): return await self.send(to: trainer)
        case .noteAccepted(let path):
            self.job.watchPath = path
            return await self.noted(.watching, [.watchPath(path)])
        case .noteUnclear: return await self.noted(.finding, [])
        case .ask(let path, let after): return await self.ask(path, after: after)
        case .search(let after): return await self.search(after: after)
        case .cancel(let path): return await self.cancel(path)
        case .release(let after, let message): return await self.release(after: after, message)
        case .end(let outcome, let code, let maybe): return await self.end(outcome, code, maybeStarted: maybe)
        }
    }

    // MARK: Notes

    var bookkeeping: [JobRecord.Change] {
        [.round(self.machine.round), .asked(self.machine.asked), .attempts(self.job.attempts)]
    }

    private mutating func noted(_ phase: JobPhase, _ changes: [JobRecord.Change]) async -> JobMachine.Step? {
        guard let step = await self.note(phase, changes) else { return nil }
        if step == .cancelRequested, let next = self.machine.cancelRequested() { return next }
        return self.machine.noted()
    }

    /// Nil when the job is no longer this run's.
    func note(_ phase: JobPhase?, _ changes: [JobRecord.Change]) async -> JobStep? {
        let (id, session, all) = (self.job.id, self.session, self.bookkeeping + changes)
        let step = await self.persist { state throws(StateError) in
            try await state.noteJob(id, phase: phase, session: session, all)
        }
        return step == .lost ? nil : step
    }

    private mutating func release(after: Duration, _ message: String) async -> JobMachine.Step? {
        let (id, session, changes) = (self.job.id, self.session, self.bookkeeping + [.message(message)])
        let step = await self.persist { state throws(StateError) in
            try await state.releaseJob(id, after: after, session: session, changes)
        }
        self.hasGivenUp = step != nil
        return nil
    }

    /// An outcome that only this run knows is told even by a replica that leaves. Where it leaves before the version is
    /// offered and the trainer can be asked again, the job is given back, and its next runner hears the same and offers it.
    private mutating func end(
        _ outcome: JobOutcome,
        _ code: Problem.Code?,
        maybeStarted: Bool
    ) async -> JobMachine.Step? {
        let (id, session) = (self.job.id, self.session)
        var note = await self.settle(outcome)
        if Task.isCancelled, note != nil {
            guard self.job.watchPath == nil else { return nil }
            note = "its replica left before the version was offered: register what serves it"
        }
        self.hasGivenUp = true
        let changes = self.bookkeeping + self.changes(outcome, code, maybeStarted: maybeStarted) + [.message(note)]
        let detail = outcome.error ?? outcome.modelVersion.map { "version \($0)" } ?? ""
        let tell: @Sendable (ClusterState) async throws(StateError) -> JobStep = { state throws(StateError) in
            try await state.endJob(id, outcome.status, detail: detail, session: session, changes)
        }
        if await self.persist(tell) == nil {
            let state = self.desk.state
            try? await LastWord.say { _ = try await tell(state) }
        }
        self.desk.logger.info("job ended", metadata: ["mm.job": "\(id)", "mm.status": "\(outcome.status.rawValue)"])
        return nil
    }

    /// Before the job ends, so that a runner that dies meanwhile is followed by one that does it again.
    private func settle(_ outcome: JobOutcome) async -> String? {
        guard outcome.status == .succeeded, self.desk.isTrusted(self.session) else { return nil }
        guard let version = outcome.modelVersion.flatMap({ ModelVersion($0) }), version != .latest else {
            return self.job.validation == nil ? nil : "the trainer named no version that could be tested"
        }
        return await NewVersion(job: self.job, version: version, desk: self.desk).settle()
    }

    private func changes(_ outcome: JobOutcome, _ code: Problem.Code?, maybeStarted: Bool) -> [JobRecord.Change] {
        var changes: [JobRecord.Change] = [.maybeStarted(maybeStarted)]
        if outcome.status == .succeeded { changes.append(.progress(1)) }
        if let result = outcome.result, result.serialized().utf8.count <= TrainerCall.resultBytesMax {
            changes.append(.result(result))
        }
        if let version = outcome.modelVersion { changes.append(.modelVersion(version)) }
        if let error = outcome.error { changes.append(.problem(code ?? .upstreamInvalid, error)) }
        if outcome.status == .cancelled, let said = self.job.cancel { changes.append(.cancel(said)) }
        return changes
    }

    /// Repeats until Redis answers; nil when the run is cancelled first.
    func persist(
        _ command: @Sendable (ClusterState) async throws(StateError) -> JobStep
    ) async -> JobStep? {
        guard !Task.isCancelled else { return nil }
        return try? await self.desk.untilStored(self.job.id, command)
    }
}
