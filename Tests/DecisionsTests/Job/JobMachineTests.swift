import Decisions
import Registry
import Testing

@Suite struct `A job in its runner's hands` {
    private let start = Instant(nanoseconds: 0)
    private var end: Instant { self.start + .seconds(3600) }

    private func job(_ phase: JobPhase? = .preparing, change: (inout Job) -> Void = { _ in }) throws -> Job {
        let type = try #require(ModelType("LSTM"))
        var job = Job(id: JobID(random: 1), status: .queued, modelType: type, createdAt: Timestamp(milliseconds: 0))
        job.phase = phase
        change(&job)
        return job
    }

    private func machine(_ phase: JobPhase? = .preparing, change: (inout Job) -> Void = { _ in }) throws -> JobMachine {
        JobMachine(try self.job(phase, change: change), deadline: self.end, now: self.start)
    }

    private func trainer(_ name: String, reason: String? = nil) throws -> Trainer {
        let key = InstanceKey(service: try #require(ServiceID(name)), url: try ServiceURL("http://\(name):1"))
        return Trainer(key: key, limit: 0, reason: reason)
    }

    @Test func `is sent, watched and ends as the trainer says`() throws {
        var machine = try self.machine()
        let trainer = try self.trainer("a")
        #expect(machine.begin() == .look)
        #expect(machine.looked([trainer], now: self.start) == .send(trainer))
        #expect(machine.asked == [trainer.key.service])
        #expect(machine.answered(.accepted(path: "/train/1"), now: self.start) == .noteAccepted(path: "/train/1"))
        #expect(machine.noted() == .ask(path: "/train/1", after: .milliseconds(250)))
        let running = TrainerAnswer.running(progress: 0.5, message: nil, after: nil)
        #expect(machine.told(running, now: self.start) == .ask(path: "/train/1", after: .milliseconds(250)))
        #expect(machine.told(running, now: self.start) == .ask(path: "/train/1", after: .milliseconds(500)))
        let outcome = JobOutcome(status: .succeeded, modelVersion: "v2")
        #expect(machine.told(.ended(outcome), now: self.start) == .end(outcome, code: nil, maybeStarted: false))
        #expect(machine.state == .over)
    }

    @Test func `asks when the trainer says, within bounds`() throws {
        var machine = try self.machine(.watching) { $0.watchPath = "/p" }
        #expect(machine.begin() == .ask(path: "/p", after: .zero))
        for (said, wait) in [(0.0, 0.25), (7, 7), (9999, 60)] {
            let answer = TrainerAnswer.running(progress: nil, message: nil, after: .seconds(said))
            #expect(machine.told(answer, now: self.start) == .ask(path: "/p", after: .seconds(wait)))
        }
    }

    @Test func `goes on to another trainer only when the first cannot have it`() throws {
        var machine = try self.machine()
        let (a, b) = try (self.trainer("a"), self.trainer("b"))
        _ = machine.looked([a, b], now: self.start)
        #expect(machine.silent(wasSent: false, now: self.start) == .look)
        #expect(machine.asked == [], "what was not sent was not asked")
        #expect(machine.looked([a, b], now: self.start) == .send(b))
        #expect(machine.silent(wasSent: true, now: self.start) == .noteUnclear)
        #expect(machine.noted() == .search(after: .zero))
    }

    @Test func `waits when every trainer is busy, and asks them again under another key`() throws {
        var machine = try self.machine()
        let (a, b) = try (self.trainer("a"), self.trainer("b"))
        _ = machine.looked([a, b], now: self.start)
        #expect(machine.answered(.busy(after: .seconds(9)), now: self.start) == .look)
        #expect(machine.looked([a, b], now: self.start) == .send(b))
        #expect(machine.answered(.busy(after: nil), now: self.start) == .look)
        let release = machine.looked([a, b], now: self.start)
        #expect(release == .release(after: .seconds(9), message: "every trainer is busy"))
        #expect(machine.round == 2)
        #expect(machine.asked == [])
    }

    @Test func `asks all again when its runner is gone with what they said, and not those who refused it before`()
        throws
    {
        let trainers = try [self.trainer("a"), self.trainer("b")]
        var orphan = try self.machine(.preparing) { $0.asked = trainers.map(\.key.service) }
        #expect((orphan.round, orphan.asked) == (2, []))
        #expect(orphan.looked(trainers, now: self.start) == .send(trainers[0]))
        var waiting = try self.machine(.waiting) { $0.asked = [trainers[0].key.service] }
        #expect((waiting.round, waiting.asked) == (1, [trainers[0].key.service]))
        #expect(waiting.looked(trainers, now: self.start) == .send(trainers[1]))
        #expect(waiting.answered(.busy(after: nil), now: self.start) == .look)
        waiting.giveBack()
        #expect((waiting.round, waiting.asked) == (2, []))
    }

    @Test func `waits when trainers are full, unwell or missing`() throws {
        var full = try self.machine()
        let a = try self.trainer("a")
        _ = full.looked([a], now: self.start)
        #expect(full.full() == .look)
        #expect(full.round == 1, "nothing was sent")
        #expect(
            full.looked([a], now: self.start)
                == .release(after: .seconds(1), message: "every trainer is full or out of reach")
        )
        var unwell = try self.machine()
        #expect(
            unwell.looked([try self.trainer("a", reason: "unhealthy")], now: self.start)
                == .release(after: .seconds(1), message: "no trainer is well: unhealthy")
        )
        var missing = try self.machine()
        let release = missing.looked([], now: self.start)
        #expect(release == .release(after: .seconds(1), message: "no service trains it now"))
    }

    @Test func `fails when nobody trains, when it is refused and when its time is up`() throws {
        var unable = try self.machine()
        let a = try self.trainer("a")
        _ = unable.looked([a], now: self.start)
        #expect(unable.answered(.unable("404: no"), now: self.start) == .look)
        guard case .end(let outcome, .capabilityMismatch, false) = unable.looked([a], now: self.start) else {
            throw JobSurprise()
        }
        #expect(outcome.status == .failed && outcome.error == "no trainer took it: 404: no")
        var refused = try self.machine()
        _ = refused.looked([a], now: self.start)
        guard case .end(let end, .upstreamInvalid, false) = refused.answered(.refused("422: bad"), now: self.start)
        else { throw JobSurprise() }
        #expect(end.status == .failed)
        var late = try self.machine()
        guard case .end(let tooLate, .noHealthyService, false) = late.looked([a], now: self.end) else {
            throw JobSurprise()
        }
        #expect(tooLate.status == .failed)
    }

    @Test(arguments: [JobPhase.sending, .finding, .watching])
    func `taken over after sending is searched for, never sent again`(
        phase: JobPhase
    ) throws {
        var machine = try self.machine(phase)
        #expect(machine.begin() == .search(after: .zero))
        #expect(machine.searched(.unknown, now: self.start) == .search(after: .milliseconds(500)))
        #expect(machine.searched(.accepted(path: "/p"), now: self.start) == .noteAccepted(path: "/p"))
        #expect(machine.noted() == .ask(path: "/p", after: .milliseconds(500)))
    }

    @Test func `is interrupted, and says that it may have started, when it is not found in time`() throws {
        var machine = try self.machine(.finding)
        #expect(machine.searched(.unknown, now: self.start + .seconds(29)) == .search(after: .milliseconds(500)))
        guard
            case .end(let end, .upstreamUnreachable, maybeStarted: true) = machine.searched(
                .unknown,
                now: self.start + .seconds(30)
            )
        else { throw JobSurprise() }
        #expect(end.status == .interrupted)
    }

    @Test func `outlives a trainer that cannot be asked for a while, not for ever`() throws {
        var machine = try self.machine(.watching) { $0.watchPath = "/p" }
        _ = machine.unreached(now: self.start)
        #expect(machine.unreached(now: self.start + .seconds(299)) == .ask(path: "/p", after: .milliseconds(500)))
        _ = machine.told(.running(progress: nil, message: nil, after: nil), now: self.start + .seconds(299))
        _ = machine.unreached(now: self.start + .seconds(300))
        guard
            case .end(let end, .upstreamUnreachable, false) = machine.told(
                .busy(after: nil),
                now: self.start + .seconds(600)
            )
        else { throw JobSurprise() }
        #expect(end.status == .interrupted)
    }

    @Test func `is interrupted when its trainer forgot it`() throws {
        var machine = try self.machine(.watching) { $0.watchPath = "/p" }
        _ = machine.told(.unknown, now: self.start)
        _ = machine.told(.unknown, now: self.start)
        guard case .end(let end, _, false) = machine.told(.unknown, now: self.start) else { throw JobSurprise() }
        #expect(end.status == .interrupted)
    }

    @Test func `fails when a trainer does not end in time, and says that it may go on`() throws {
        var machine = try self.machine(.watching) { $0.watchPath = "/p" }
        let running = TrainerAnswer.running(progress: nil, message: nil, after: .seconds(60))
        #expect(machine.told(running, now: self.end + .seconds(-1)) == .ask(path: "/p", after: .seconds(1)))
        guard case .end(let end, .upstreamTimeout, true) = machine.told(running, now: self.end) else {
            throw JobSurprise()
        }
        #expect(end.status == .failed)
    }

    @Test(arguments: [
        (200, true, "the trainer cancelled it"), (204, true, "the trainer cancelled it"),
        (202, false, "the trainer is cancelling it"), (404, false, "the trainer does not know the job (404)"),
        (405, false, "the trainer cannot cancel it (405)"), (0, false, "the trainer could not be reached"),
    ]) func `tells what the trainer said to being cancelled`(status: Int, ends: Bool, said: String) throws {
        var machine = try self.machine(.watching) { $0.watchPath = "/p" }
        #expect(machine.cancelRequested() == .cancel(path: "/p"))
        #expect(machine.cancelRequested() == nil, "once")
        let (step, told) = machine.cancelAnswered(status, now: self.start)
        #expect(told == said)
        #expect(
            step
                == (ends
                    ? .end(JobOutcome(status: .cancelled), code: nil, maybeStarted: false)
                    : .ask(path: "/p", after: .milliseconds(250)))
        )
    }

    @Test func `heeds a wish to cancel as soon as a trainer is known`() throws {
        var machine = try self.machine()
        _ = machine.looked([try self.trainer("a")], now: self.start)
        #expect(machine.cancelRequested() == nil)
        _ = machine.answered(.accepted(path: "/p"), now: self.start)
        #expect(machine.noted() == .cancel(path: "/p"))
        var silent = try self.machine()
        _ = silent.looked([try self.trainer("a")], now: self.start)
        guard case .end(let end, nil, maybeStarted: true) = silent.hungUp() else { throw JobSurprise() }
        #expect(end.status == .cancelled)
        var lost = try self.machine(.finding) { $0.cancel = "requested" }
        guard case .end(let gone, _, true) = lost.searched(.unknown, now: self.start + .seconds(30)) else {
            throw JobSurprise()
        }
        #expect(gone.status == .cancelled)
    }
}

struct JobSurprise: Error {}
