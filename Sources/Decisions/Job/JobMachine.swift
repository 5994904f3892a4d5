public import Registry

/// Carries one job from a runner's hands to its end.
///
/// Intuition: a registered letter. It is entered in the book before it is posted, to one address at a time; whoever
/// takes over the desk and finds an entry without a receipt does not post it again but asks the addressee.
/// The hard case is the silence after sending: the trainer may train, and a second request would train twice. So the
/// machine sends again only what cannot have arrived (no connection) or was refused, and otherwise looks for the job at
/// the trainer until it is found or given up as interrupted.
/// Invariants: one step is under way at a time; a trainer is asked at most once with one key; nothing follows an end.
public struct JobMachine: Hashable, Sendable {
    public enum State: Hashable, Sendable {
        /// No trainer has it. Can move to `sending` and `over`.
        case preparing
        /// Its request is entered in the book, and on its way. Can move to every other state.
        case sending(InstanceKey)
        /// The trainer is asked now and then. Can move to `over`.
        case watching(path: String)
        /// Whether the trainer got it is not known. Can move to `watching` and `over`.
        case finding(until: Instant)
        /// Ended, or given back. The last state.
        case over
    }

    public private(set) var state: State
    /// Of which key the trainers see now.
    public private(set) var round: Int
    /// Trainers that got this round's key.
    public private(set) var asked: [ServiceID]
    public private(set) var isCancelling: Bool
    public let policy: JobPolicy
    public let deadline: Instant
    /// Instances that could not be reached, or were full, since this runner has the job.
    private var skipped: Set<InstanceKey> = []
    private var busyAfter: Duration?
    private var refusals: [String] = []
    private var pause: Duration
    private var unreachableSince: Instant?
    private var unknownInRow = 0

    /// The job must have ended at the `deadline`. Trainers that a runner asked which is gone took it not, but whether they
    /// cannot or were busy went with it: all are asked again, under another key.
    public init(_ job: Job, policy: JobPolicy = JobPolicy(), deadline: Instant, now: Instant) {
        self.policy = policy
        self.deadline = deadline
        self.round = job.round
        self.asked = job.asked
        self.isCancelling = job.cancel == "requested"
        self.pause = policy.pollFirst
        switch job.phase {
        case .watching where job.watchPath != nil: self.state = .watching(path: job.watchPath ?? "")
        case .sending, .finding, .watching: self.state = .finding(until: now + policy.findingMax)
        case .waiting, .preparing, nil: self.state = .preparing
        }
        if job.phase == .preparing, !job.asked.isEmpty { self.beginRound() }
    }

    /// What the runner does first.
    public mutating func begin() -> Step {
        switch self.state {
        case .preparing: .look
        case .watching(let path): .ask(path: path, after: .zero)
        case .finding: .search(after: .zero)
        case .sending, .over: preconditionFailure("a job cannot begin as \(self.state)")
        }
    }

    // MARK: Nobody has it yet

    /// These could train, the best first; what they must be able to do is settled.
    public mutating func looked(_ trainers: [Trainer], now: Instant) -> Step {
        guard now < self.deadline else { return self.tooLate() }
        let open = trainers.filter { $0.reason == nil && !self.asked.contains($0.key.service) }
        if let next = open.first(where: { !self.skipped.contains($0.key) }) {
            self.asked.append(next.key.service)
            self.state = .sending(next.key)
            return .send(next)
        }
        return self.nobody(trainers, isAnyLeft: !open.isEmpty)
    }

    /// The data could not be had.
    public mutating func lacksData(_ code: Problem.Code, _ sentence: String) -> Step {
        self.end(.failed, sentence, code)
    }

    /// The trainer has as many trainings as it may have: nothing was sent.
    public mutating func full() -> Step { self.unsent() }

    private mutating func nobody(_ trainers: [Trainer], isAnyLeft: Bool) -> Step {
        if let busyAfter {
            self.beginRound()
            return self.release(
                after: min(max(busyAfter, self.policy.lookAgain), self.policy.retryAfterMax),
                "every trainer is busy"
            )
        }
        if !self.refusals.isEmpty, !isAnyLeft, trainers.allSatisfy({ self.asked.contains($0.key.service) }) {
            return self.end(
                .failed,
                "no trainer took it: \(self.refusals.joined(separator: "; "))",
                .capabilityMismatch
            )
        }
        if isAnyLeft { return self.release(after: self.policy.lookAgain, "every trainer is full or out of reach") }
        let reasons = Set(trainers.compactMap(\.reason)).sorted().joined(separator: ", ")
        let why = trainers.isEmpty ? "no service trains it now" : "no trainer is well: \(reasons)"
        return self.release(after: self.policy.lookAgain, why)
    }

    /// All trainers may be asked, under another key.
    private mutating func beginRound() {
        self.round += 1
        self.asked = []
    }

    /// The runner goes away in the middle: whoever is next does not know who was busy.
    public mutating func giveBack() {
        if self.state == .preparing, self.busyAfter != nil { self.beginRound() }
    }

    private mutating func unsent() -> Step {
        guard case .sending(let key) = self.state else { return self.illegal("unsent") }
        self.asked.removeAll { $0 == key.service }
        self.skipped.insert(key)
        self.state = .preparing
        return .look
    }

    // MARK: It was sent

    public mutating func answered(_ answer: TrainerAnswer, now: Instant) -> Step {
        guard case .sending = self.state else { return self.illegal("answered") }
        switch answer {
        case .accepted(let path):
            self.state = .watching(path: path)
            return .noteAccepted(path: path)
        case .ended(let outcome): return self.ended(outcome)
        case .busy(let after):
            self.busyAfter = max(self.busyAfter ?? .zero, after ?? self.policy.lookAgain)
            self.state = .preparing
            return .look
        case .unable(let why):
            self.refusals.append(why)
            self.state = .preparing
            return .look
        case .refused(let why): return self.end(.failed, "the trainer refused it: \(why)", .upstreamInvalid)
        case .unclear, .unknown, .running: return self.lose(now: now)
        }
    }

    /// No answer came. What had no connection was not sent.
    public mutating func silent(wasSent: Bool, now: Instant) -> Step {
        wasSent ? self.lose(now: now) : self.unsent()
    }

    private mutating func lose(now: Instant) -> Step {
        self.state = .finding(until: now + self.policy.findingMax)
        return .noteUnclear
    }

    /// What was to be noted stands in Redis.
    public mutating func noted() -> Step {
        switch self.state {
        case .watching(let path): self.isCancelling ? .cancel(path: path) : .ask(path: path, after: self.pause)
        case .finding: .search(after: .zero)
        case .preparing, .sending, .over: self.illegal("noted")
        }
    }

    // MARK: The trainer has it

    public mutating func told(_ answer: TrainerAnswer, now: Instant) -> Step {
        guard case .watching(let path) = self.state else { return self.illegal("told") }
        switch answer {
        case .ended(let outcome): return self.ended(outcome)
        case .running(_, _, let after): return self.goOn(path, after: after, now: now)
        case .accepted: return self.goOn(path, after: nil, now: now)
        case .unknown:
            self.unknownInRow += 1
            guard self.unknownInRow >= self.policy.unknownMax else { return self.askLater(path, nil, now: now) }
            return self.end(.interrupted, "the trainer no longer knows the job", .upstreamInvalid)
        case .busy(let after): return self.unreached(path, after: after, now: now)
        case .unclear, .unable, .refused: return self.unreached(path, after: nil, now: now)
        }
    }

    /// The trainer could not be asked.
    public mutating func unreached(now: Instant) -> Step {
        guard case .watching(let path) = self.state else { return self.illegal("unreached") }
        return self.unreached(path, after: nil, now: now)
    }

    private mutating func goOn(_ path: String, after: Duration?, now: Instant) -> Step {
        self.unreachableSince = nil
        self.unknownInRow = 0
        return self.askLater(path, after, now: now)
    }

    private mutating func unreached(_ path: String, after: Duration?, now: Instant) -> Step {
        let since = self.unreachableSince ?? now
        self.unreachableSince = since
        guard now - since < self.policy.unreachableMax else {
            return self.end(.interrupted, "the trainer cannot be asked any more; it may train on", .upstreamUnreachable)
        }
        return self.askLater(path, after, now: now)
    }

    private mutating func askLater(_ path: String, _ after: Duration?, now: Instant) -> Step {
        guard now < self.deadline else {
            return self.end(.failed, "it did not end in time; the trainer may go on", .upstreamTimeout, maybe: true)
        }
        if self.isCancelling { return .cancel(path: path) }
        let wait = after.map { min(max($0, self.policy.pollFirst), self.policy.retryAfterMax) } ?? self.pause
        self.pause = min(self.pause * 2, self.policy.pollMax)
        return .ask(path: path, after: min(wait, max(.zero, self.deadline - now)))
    }

    // MARK: Nobody knows whether it has it

    public mutating func searched(_ answer: TrainerAnswer, now: Instant) -> Step {
        guard case .finding(let until) = self.state else { return self.illegal("searched") }
        if case .accepted(let path) = answer {
            self.state = .watching(path: path)
            return .noteAccepted(path: path)
        }
        guard now < min(until, self.deadline) else {
            let why = "the trainer did not say whether it began, and does not know the job; it may have started"
            return self.end(self.isCancelling ? .cancelled : .interrupted, why, .upstreamUnreachable, maybe: true)
        }
        self.pause = min(self.pause * 2, self.policy.pollMax)
        return .search(after: min(self.pause, until - now))
    }

    // MARK: Cancelling

    /// Somebody wants it cancelled. Nil: the step under way goes on, and what follows it heeds the wish.
    public mutating func cancelRequested() -> Step? {
        guard !self.isCancelling else { return nil }
        self.isCancelling = true
        guard case .watching(let path) = self.state else { return nil }
        return .cancel(path: path)
    }

    /// The connection to a trainer that had not answered was closed, because somebody wants the job cancelled.
    public mutating func hungUp() -> Step {
        self.end(
            .cancelled,
            "the trainer had not answered; the connection was closed, and it may train on",
            nil,
            maybe: true
        )
    }

    /// What the trainer said to the wish, 0: nothing.
    public mutating func cancelAnswered(_ status: Int, now: Instant) -> (Step, said: String) {
        guard case .watching(let path) = self.state else { return (self.illegal("cancelAnswered"), "") }
        self.isCancelling = false
        switch status {
        case 200, 204:
            return (self.ended(JobOutcome(status: .cancelled)), "the trainer cancelled it")
        case 202: return (self.askLater(path, nil, now: now), "the trainer is cancelling it")
        case 404, 410: return (self.askLater(path, nil, now: now), "the trainer does not know the job (\(status))")
        case 0: return (self.askLater(path, nil, now: now), "the trainer could not be reached")
        default: return (self.askLater(path, nil, now: now), "the trainer cannot cancel it (\(status))")
        }
    }

    // MARK: Ends

    private mutating func ended(_ outcome: JobOutcome) -> Step {
        self.state = .over
        let code: Problem.Code? = outcome.status == .succeeded || outcome.status == .cancelled ? nil : .upstreamInvalid
        return .end(outcome, code: code, maybeStarted: false)
    }

    private mutating func end(_ status: JobStatus, _ sentence: String, _ code: Problem.Code?, maybe: Bool = false)
        -> Step
    {
        self.state = .over
        return .end(JobOutcome(status: status, error: sentence), code: code, maybeStarted: maybe)
    }

    private mutating func tooLate() -> Step {
        self.end(.failed, "no trainer took it in time", .noHealthyService)
    }

    private mutating func release(after: Duration, _ message: String) -> Step {
        self.state = .over
        return .release(after: after, message: message)
    }

    private func illegal(_ event: String) -> Step {
        preconditionFailure("\(event) cannot happen to a job that is \(self.state)")
    }
}
