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
    private let desk: JobDesk
    private let session: String
    private var job: Job
    private var machine: JobMachine
    /// The trainer's body, with its data; nil until fetched.
    private var order: TrainerOrder?
    private var hasGivenUp = false

    /// How often a run makes sure that the job is still its own, and hears whether somebody wants it cancelled.
    private static let tick = Duration.seconds(1)
    /// A wish to cancel waits so long for a trainer that is about to answer.
    private static let answerGrace = Duration.seconds(3)

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

    // MARK: Nobody has it yet

    private mutating func look() async -> JobMachine.Step? {
        if self.order == nil {
            do throws(TrainerOrder.Failure) {
                guard let order = try await TrainerOrder.make(for: self.job, desk: self.desk) else { return nil }
                self.order = order
            } catch {
                self.job.attempts += error.attempts
                return self.machine.lacksData(error.code, error.sentence)
            }
        }
        var trainers = self.desk.trainers(for: self.job)
        if let order, order.needsDataURL {
            trainers = trainers.filter(\.takesDataURL)
            let why = "the data has more than \(DataFetch.bytesMax) bytes, and no trainer has the capability data_url"
            if trainers.isEmpty { return self.machine.lacksData(.payloadTooLarge, why) }
        }
        return self.machine.looked(trainers, now: self.desk.time.now())
    }

    private mutating func send(to trainer: Trainer) async -> JobMachine.Step? {
        let (id, session, key) = (self.job.id, self.session, trainer.key)
        let changes = self.bookkeeping + (self.order?.rows.map { [.rows($0)] } ?? [])
        let step = await self.persist { state throws(StateError) in
            try await state.sendJob(id, to: key, limit: trainer.limit, session: session, changes)
        }
        switch step {
        case nil, .lost: return nil
        case .full: return self.machine.full()
        case .done, .cancelRequested: break
        }
        (self.job.service, self.job.url) = (key.service, key.url)
        guard self.desk.isTrusted(self.session), let order else { return nil }
        self.desk.logger.info("training sent", metadata: ["mm.job": "\(id)", "mm.instance": "\(key)"])
        let began = self.desk.time.now()
        let result = await self.post(order.body, to: key)
        return await self.sent(to: key, result, since: began)
    }

    private enum Sent: Sendable {
        case answered(TrainerReply)
        case silent(UpstreamFailure)
        case hungUp
        case lost
    }

    /// The request under way, and beside it the watch that ends it when the job is cancelled or lost.
    private func post(_ body: ByteBuffer, to trainer: InstanceKey) async -> Sent {
        let call = self.desk.call(trainer)
        var job = self.job
        job.round = self.machine.round
        let (key, limit) = (job.trainerKey, max(.milliseconds(1), self.machine.deadline - self.desk.time.now()))
        let (desk, id, session) = (self.desk, self.job.id, self.session)
        return await withTaskGroup(of: Sent.self) { group in
            group.addTask {
                do throws(UpstreamFailure) {
                    return .answered(try await call.order(body, key: key, within: limit))
                } catch {
                    return .silent(error)
                }
            }
            group.addTask { await Self.guardSending(id, session, desk) }
            let first = await group.next() ?? .lost
            group.cancelAll()
            return first
        }
    }

    private static func guardSending(_ id: JobID, _ session: String, _ desk: JobDesk) async -> Sent {
        let began = desk.time.now()
        while (try? await desk.time.sleep(Self.tick)) != nil {
            switch try? await desk.state.noteJob(id, phase: nil, session: session, []) {
            case .lost: return .lost
            case .cancelRequested where desk.time.now() - began >= Self.answerGrace: return .hungUp
            default: break
            }
        }
        return .lost
    }

    private mutating func sent(to key: InstanceKey, _ result: Sent, since began: Instant) async -> JobMachine.Step? {
        let now = self.desk.time.now()
        let outcome: String
        let step: JobMachine.Step
        switch result {
        case .lost: return nil
        case .hungUp:
            outcome = "hung_up"
            step = self.machine.hungUp()
        case .silent(let failure):
            outcome = failure.kind.rawValue
            step = self.machine.silent(wasSent: failure.mayHaveArrived, now: now)
        case .answered(let reply):
            outcome = "status_\(reply.status)"
            step = self.machine.answered(reply.toOrder(at: self.desk.origin(of: key)), now: now)
        }
        let milliseconds = (now - began).inNanoseconds / 1_000_000
        self.job.attempts.append(
            Problem.Attempt(service: key.service, url: key.url, outcome: outcome, milliseconds: milliseconds)
        )
        // What no trainer took must not look as if it were on its way.
        guard self.machine.state == .preparing else { return step }
        return await self.note(.preparing, []) == nil ? nil : step
    }

    // MARK: A trainer has it, or may have it

    private mutating func ask(_ path: String, after: Duration) async -> JobMachine.Step? {
        switch await self.wait(after) {
        case .lost: return nil
        case .instead(let step): return step
        case .over: break
        }
        guard let call = self.trainer else { return self.machine.unreached(now: self.desk.time.now()) }
        do throws(UpstreamFailure) {
            let answer = try await call.ask(path, within: self.desk.timeout).toQuestion()
            if case .running(let progress, let message, _) = answer { await self.show(progress, message) }
            return self.machine.told(answer, now: self.desk.time.now())
        } catch {
            return self.machine.unreached(now: self.desk.time.now())
        }
    }

    private mutating func search(after: Duration) async -> JobMachine.Step? {
        switch await self.wait(after) {
        case .lost: return nil
        case .instead(let step): return step
        case .over: break
        }
        var answer = TrainerAnswer.unknown
        if let call = self.trainer, let url = self.job.url {
            let reply = try? await call.search(key: self.job.trainerKey, within: self.desk.timeout)
            answer = reply?.toSearch(at: url) ?? .unknown
        }
        return self.machine.searched(answer, now: self.desk.time.now())
    }

    private mutating func cancel(_ path: String) async -> JobMachine.Step? {
        let status = (try? await self.trainer?.cancel(path, within: self.desk.timeout).status) ?? 0
        let (step, said) = self.machine.cancelAnswered(status, now: self.desk.time.now())
        self.job.cancel = said
        guard status != 0 else { return step }
        return await self.note(nil, [.cancel(said)]) == nil ? nil : step
    }

    private var trainer: TrainerCall? {
        guard let service = self.job.service, let url = self.job.url else { return nil }
        return self.desk.call(InstanceKey(service: service, url: url))
    }

    private enum Wait { case over, lost, instead(JobMachine.Step) }

    /// Waits, and hears each second whether the job is still this run's and shall go on.
    private mutating func wait(_ duration: Duration) async -> Wait {
        let end = self.desk.time.now() + duration
        while true {
            let left = end - self.desk.time.now()
            guard left > .zero else { return Task.isCancelled ? .lost : .over }
            guard (try? await self.desk.time.sleep(min(left, Self.tick))) != nil else { return .lost }
            let step = try? await self.desk.state.noteJob(self.job.id, phase: nil, session: self.session, [])
            if step == .lost { return .lost }
            if step == .cancelRequested, let next = self.machine.cancelRequested() { return .instead(next) }
        }
    }

    private mutating func show(_ progress: Double?, _ message: String?) async {
        guard progress != self.job.progress || message != self.job.message else { return }
        (self.job.progress, self.job.message) = (progress, message)
        let changes: [JobRecord.Change] = [.progress(progress), .message(message)]
        _ = try? await self.desk.state.noteJob(self.job.id, phase: nil, session: self.session, changes)
    }

    // MARK: Notes

    private var bookkeeping: [JobRecord.Change] {
        [.round(self.machine.round), .asked(self.machine.asked), .attempts(self.job.attempts)]
    }

    private mutating func noted(_ phase: JobPhase, _ changes: [JobRecord.Change]) async -> JobMachine.Step? {
        guard let step = await self.note(phase, changes) else { return nil }
        if step == .cancelRequested, let next = self.machine.cancelRequested() { return next }
        return self.machine.noted()
    }

    /// Nil when the job is no longer this run's.
    private func note(_ phase: JobPhase?, _ changes: [JobRecord.Change]) async -> JobStep? {
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
    private func persist(
        _ command: @Sendable (ClusterState) async throws(StateError) -> JobStep
    ) async -> JobStep? {
        guard !Task.isCancelled else { return nil }
        return try? await self.desk.untilStored(self.job.id, command)
    }
}
