import ClusterState
import Decisions
import ManagerTesting
import Registry
import Testing

/// Several runners and trainers that lose each other's words, pause and are killed at every step of a job.
///
/// A step is what `JobRun` does between two waits, cut where the world may interfere: after Redis knows and before the
/// trainer does, after the trainer knows and before Redis does.
struct JobWorld {
    struct Trainer {
        var key: InstanceKey
        /// How often each idempotency key was seen.
        var seen: [String: Int] = [:]
        /// Trainings that began, and the rounds until they are done.
        var left: [String: Int] = [:]
        /// Finds a training by its key.
        var findsKeys: Bool
    }

    struct Run {
        var job: Job
        var machine: JobMachine
        var step: JobMachine.Step
        var dueAt: Instant
    }

    struct Runner {
        var session: String
        var runs: [JobID: Run] = [:]
        /// Frozen until then, with this request about to leave.
        var pausedUntil: Instant?
        var leaving: (run: JobID, trainer: Int, key: String)?
    }

    var cluster: SimulatedCluster
    var trainers: [Trainer] = []
    var runners: [Runner] = []
    private var boots = 0
    private let isCalm: (Instant) -> Bool

    init(_ cluster: SimulatedCluster, runners: Int, trainers: Int) throws {
        self.cluster = cluster
        let calmAt = cluster.now + .seconds(120)
        self.isCalm = { $0 > calmAt }
        for number in 0..<trainers {
            let key = InstanceKey(service: try Samples.id("t\(number)"), url: try ServiceURL("http://t\(number):1"))
            self.trainers.append(Trainer(key: key, findsKeys: self.cluster.chance(50)))
        }
        for _ in 0..<runners { self.runners.append(self.newRunner()) }
    }

    private mutating func newRunner() -> Runner {
        self.boots += 1
        return Runner(session: "r.\(self.boots)")
    }

    /// Until every job has ended; none when some never do.
    mutating func run(jobs: Int) async throws -> [Job] {
        for number in 0..<jobs {
            try await self.cluster.setClock()
            _ = try await self.cluster.state.submit(Samples.order("job\(number)"))
        }
        for _ in 0..<3000 {
            self.cluster.now = self.cluster.now + self.cluster.milliseconds(100...900)
            try await self.cluster.setClock()
            for index in self.runners.indices { try await self.turn(index) }
            self.train()
            let page = try #require(
                try await self.cluster.state.jobs(after: nil, limit: jobs, status: nil, modelType: nil)
            )
            if page.jobs.allSatisfy(\.status.isEnd) { return page.jobs }
        }
        return []
    }

    /// How often the training of a job began, over all trainers and keys.
    func begun(_ job: JobID) -> Int {
        self.trainers.flatMap { $0.left.keys }.count { $0 == job.text || $0.hasPrefix("\(job).") }
    }

    private var isStormy: Bool { !self.isCalm(self.cluster.now) }

    private mutating func train() {
        for index in self.trainers.indices {
            for (key, left) in self.trainers[index].left where left > 0 { self.trainers[index].left[key] = left - 1 }
        }
    }

    private mutating func turn(_ index: Int) async throws {
        let session = self.runners[index].session
        if let until = self.runners[index].pausedUntil {
            guard until <= self.cluster.now else { return }
            self.runners[index].pausedUntil = nil
            // What was about to leave leaves now, whatever happened meanwhile.
            if let late = self.runners[index].leaving { self.receive(late.key, at: late.trainer) }
            self.runners[index].leaving = nil
            // It wakes in the middle of its work, and takes a step before it hears anything.
            return try await self.work(index, session)
        }
        if self.isStormy, self.cluster.chance(3) {
            self.runners[index] = self.newRunner()
            return
        }
        let reply = try await self.cluster.state.keepSession(session, Samples.status)
        if reply == .lapsed {
            self.runners[index] = self.newRunner()
            return
        }
        try await self.claim(index, session)
        if self.isStormy, self.cluster.chance(5) {
            self.runners[index].pausedUntil = self.cluster.now + self.cluster.milliseconds(1000...20_000)
            return
        }
        try await self.work(index, session)
    }

    private mutating func claim(_ index: Int, _ session: String) async throws {
        let running = Array(self.runners[index].runs.keys)
        for claimed in try await self.cluster.state.claimJobs(4, session: session, running: running) ?? [] {
            // A reply may be lost on the way.
            guard !(self.isStormy && self.cluster.chance(5)) else { continue }
            let now = self.cluster.now
            var machine = JobMachine(claimed.job, deadline: now + claimed.remaining, now: now)
            let step = machine.begin()
            self.runners[index].runs[claimed.job.id] = Run(job: claimed.job, machine: machine, step: step, dueAt: now)
        }
    }

    private mutating func work(_ index: Int, _ session: String) async throws {
        for id in self.runners[index].runs.keys.sorted() {
            guard var run = self.runners[index].runs[id], run.dueAt <= self.cluster.now else { continue }
            let next = try await self.take(&run, index, session)
            guard self.runners[index].session == session else { return }
            if let next {
                run.step = next
                run.dueAt = self.cluster.now + Self.wait(next)
                self.runners[index].runs[id] = run
            } else {
                self.runners[index].runs[id] = nil
            }
            if self.runners[index].pausedUntil != nil { return }
        }
    }

    private static func wait(_ step: JobMachine.Step) -> Duration {
        switch step {
        case .ask(_, let after), .search(let after): after
        default: .zero
        }
    }

    /// Nil when the run is over.
    private mutating func take(_ run: inout Run, _ index: Int, _ session: String) async throws -> JobMachine.Step? {
        let (state, id, now) = (self.cluster.state, run.job.id, self.cluster.now)
        let book: [JobRecord.Change] = [.round(run.machine.round), .asked(run.machine.asked)]
        switch run.step {
        case .look:
            let order = self.trainers.indices.shuffled(using: &self.cluster.random)
            return run.machine.looked(
                order.map { Decisions.Trainer(key: self.trainers[$0].key, limit: 2, reason: nil) },
                now: now
            )
        case .send(let trainer): return try await self.send(&run, to: trainer, index, session, book)
        case .noteAccepted(let path):
            run.job.watchPath = path
            let step = try await state.noteJob(id, phase: .watching, session: session, book + [.watchPath(path)])
            return step == .lost ? nil : run.machine.noted()
        case .noteUnclear:
            let step = try await state.noteJob(id, phase: .finding, session: session, book)
            return step == .lost ? nil : run.machine.noted()
        case .ask(let path, _):
            if self.isStormy, self.cluster.chance(10) { return run.machine.unreached(now: now) }
            return run.machine.told(self.condition(path, run.job), now: now)
        case .search: return run.machine.searched(self.find(run.job), now: now)
        case .cancel: throw StateSurprise()
        case .release(let after, let message):
            _ = try await state.releaseJob(id, after: after, session: session, book + [.message(message)])
            return nil
        case .end(let outcome, _, let maybe):
            _ = try await state.endJob(id, outcome.status, detail: "", session: session, book + [.maybeStarted(maybe)])
            return nil
        }
    }

    private mutating func send(
        _ run: inout Run,
        to trainer: Decisions.Trainer,
        _ index: Int,
        _ session: String,
        _ book: [JobRecord.Change]
    ) async throws -> JobMachine.Step? {
        let (state, id) = (self.cluster.state, run.job.id)
        let step = try await state.sendJob(id, to: trainer.key, limit: trainer.limit, session: session, book)
        if step == .lost { return nil }
        if case .full = step { return run.machine.full() }
        (run.job.service, run.job.url, run.job.round) = (trainer.key.service, trainer.key.url, run.machine.round)
        let place = try #require(self.trainers.firstIndex { $0.key == trainer.key })
        let key = run.job.trainerKey
        if self.isStormy, self.cluster.chance(8) {
            self.runners[index] = self.newRunner()  // killed before the request left
            return nil
        }
        if self.isStormy, self.cluster.chance(8) {
            self.runners[index].pausedUntil = self.cluster.now + self.cluster.milliseconds(1000...20_000)
            self.runners[index].leaving = (id, place, key)
            return run.machine.silent(wasSent: true, now: self.cluster.now)
        }
        if self.isStormy, self.cluster.chance(10) {
            return try await self.unsent(&run, run.machine.silent(wasSent: false, now: self.cluster.now), session)
        }
        if self.cluster.chance(10) {
            self.trainers[place].seen[key, default: 0] += 1  // refused, and seen
            return try await self.unsent(&run, run.machine.answered(.busy(after: nil), now: self.cluster.now), session)
        }
        self.receive(key, at: place)
        if self.isStormy, self.cluster.chance(8) {
            self.runners[index] = self.newRunner()  // killed before the answer came
            return nil
        }
        if self.isStormy, self.cluster.chance(8) { return run.machine.silent(wasSent: true, now: self.cluster.now) }
        return run.machine.answered(.accepted(path: "/train/\(key)"), now: self.cluster.now)
    }

    private mutating func unsent(_ run: inout Run, _ step: JobMachine.Step, _ session: String) async throws
        -> JobMachine.Step?
    {
        let book: [JobRecord.Change] = [.round(run.machine.round), .asked(run.machine.asked)]
        let noted = try await self.cluster.state.noteJob(run.job.id, phase: .preparing, session: session, book)
        return noted == .lost ? nil : step
    }

    private mutating func receive(_ key: String, at place: Int) {
        self.trainers[place].seen[key, default: 0] += 1
        self.trainers[place].left[key] = Int.random(in: 1...40, using: &self.cluster.random)
    }

    private func condition(_ path: String, _ job: Job) -> TrainerAnswer {
        let key = String(path.dropFirst("/train/".count))
        guard let left = self.trainers.first(where: { $0.key.service == job.service })?.left[key] else {
            return .unknown
        }
        if left > 0 { return .running(progress: nil, message: nil, after: nil) }
        return .ended(JobOutcome(status: .succeeded))
    }

    private func find(_ job: Job) -> TrainerAnswer {
        guard let trainer = self.trainers.first(where: { $0.key.service == job.service }), trainer.findsKeys,
            trainer.left[job.trainerKey] != nil
        else { return .unknown }
        return .accepted(path: "/train/\(job.trainerKey)")
    }
}
