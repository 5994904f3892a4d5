internal import ClusterState
internal import Decisions
internal import Gateway
internal import Registry

/// A trainer has the job, or may have it: it is asked now and then, searched at, or asked to cancel.
extension JobRun {
    mutating func ask(_ path: String, after: Duration) async -> JobMachine.Step? {
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

    mutating func search(after: Duration) async -> JobMachine.Step? {
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

    mutating func cancel(_ path: String) async -> JobMachine.Step? {
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
}
