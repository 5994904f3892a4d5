public import Registry

/// Decides what one request does next: which attempt ends it, when another one follows, and what the caller gets.
///
/// Intuition: knock at one door after another, never twice at the same while another is left, keep the last refusal
/// in hand, and stop knocking when the evening is over.
/// The hard case is the instance that neither answers nor fails. If it could hold a request until the deadline, one
/// hanging instance would fail requests while others live. So while an untried instance is left, an attempt gets only
/// half of the time that remains (not less than `attemptMin`); the last one gets all of it. Halves, not equal shares:
/// with equal shares every added instance would shorten the time a slow model has.
public struct ExchangeMachine: Sendable, Equatable {
    public enum State: Sendable, Equatable {
        /// Not begun. Can move to `attempting`, `queued`.
        case planned
        /// Only permits lack, and it waits for one. Can move to `attempting`, `ended`.
        case queued(until: Instant)
        /// A request is at an instance, or on its way. Can move to `keeping`, `answering`, `attempting`, `waiting`,
        /// `ended`.
        case attempting(until: Instant)
        /// A 5xx or 429 answer is arriving and is kept. Can move to `answering`, `attempting`, `waiting`, `ended`.
        case keeping(until: Instant)
        /// Every instance was tried; a pause before one is tried again. Can move to `attempting`, `ended`.
        case waiting(until: Instant)
        /// An answer goes to the caller as it comes; it may be silent for so long at most. Can move to `ended`.
        case answering(until: Instant)
        /// The caller has got, or is getting, all there is. The last state.
        case ended
    }

    /// What follows an attempt that gave nothing to pass on.
    public enum NextAction: Sendable, Hashable {
        /// Try another instance now. Ask the retry budget first when `isPaid`.
        case attempt(isPaid: Bool)
        /// Try again, any instance, at the instant. Ask the retry budget first when `isPaid`.
        case wait(until: Instant, isPaid: Bool)
        /// The kept answer is the caller's.
        case answerKept
        case answerProblem(Problem.Code)
    }

    /// What is done with an answer whose status has arrived.
    public enum AnswerAction: Sendable, Hashable {
        /// It goes to the caller.
        case pass
        /// Collect it and say `ended(.status)` when it is complete.
        case keep
    }

    /// An attempt is given at least so long, if the deadline allows.
    public static let attemptMin = Duration.milliseconds(50)

    public private(set) var state = State.planned
    /// Attempts begun.
    public private(set) var attempts = 0
    private var policy: ExchangePolicy
    private var waits = 0
    private var hasKept = false
    private var lastEnd = AttemptEnd.unreachable

    public init(policy: ExchangePolicy) {
        self.policy = policy
    }

    /// When the shell must look at this request again; the far future when nothing is due.
    @inline(__always)
    public var wakeAt: Instant {
        switch self.state {
        case .planned, .ended: Instant(nanoseconds: .max)
        case .queued(let until), .attempting(let until), .keeping(let until), .waiting(let until),
            .answering(let until):
            until
        }
    }

    public var deadline: Instant { self.policy.deadline }

    // MARK: Events

    /// Every instance left has as many requests as it may: wait for a permit, so long at most. Asked again while it
    /// waits, the first time stands.
    public mutating func queued(for limit: Duration, now: Instant) {
        if case .queued = self.state { return }
        self.state = .queued(until: min(now + limit, self.policy.deadline))
    }

    /// No permit came, or nobody may wait any more: the caller gets what there is.
    public mutating func leftQueue() -> NextAction {
        self.lastEnd = .crowded
        return self.giveUp()
    }

    /// An attempt begins; after it, `others` instances would still be untried.
    public mutating func attemptBegan(others: Int, now: Instant) {
        self.attempts += 1
        let isLast = others == 0 || self.attempts > self.policy.retriesMax || !self.policy.isRepeatable
        guard !isLast else {
            self.state = .attempting(until: self.policy.deadline)
            return
        }
        let left = self.policy.deadline.nanoseconds &- now.nanoseconds
        let share = max(left / 2, Self.attemptMin.inNanoseconds)
        self.state = .attempting(
            until: Instant(nanoseconds: min(now.nanoseconds &+ share, self.policy.deadline.nanoseconds))
        )
    }

    /// The status of an answer has arrived; its body may then stall for `silentMax`.
    public mutating func answered(status: Int, silentMax: Duration, now: Instant) -> AnswerAction {
        let mayRetry = self.policy.isRepeatable && self.attempts <= self.policy.retriesMax
        if mayRetry, AttemptEnd.asksForRetry(status), case .attempting(let until) = self.state {
            self.state = .keeping(until: until)
            return .keep
        }
        self.state = .answering(until: now + silentMax)
        return .pass
    }

    /// A kept answer grew beyond what is kept: it goes to the caller after all.
    public mutating func keptTooLong(silentMax: Duration, now: Instant) {
        self.state = .answering(until: now + silentMax)
    }

    /// More of the answer's body has arrived or left.
    @inline(__always)
    public mutating func moved(silentMax: Duration, now: Instant) {
        self.state = .answering(until: now + silentMax)
    }

    /// An attempt has ended with nothing to pass on; `untried` eligible instances were not tried yet. `dice` is a random
    /// number, for the wait.
    public mutating func ended(_ end: AttemptEnd, untried: Int, now: Instant, dice: UInt64) -> NextAction {
        self.lastEnd = end
        if case .status = end { self.hasKept = true }
        guard self.attempts <= self.policy.retriesMax, now < self.policy.deadline else { return self.giveUp() }
        guard self.policy.isRepeatable || !end.wasSent else { return self.giveUp() }
        if untried > 0 { return .attempt(isPaid: end.wasSent) }
        guard let until = self.nextWait(now: now, dice: dice) else { return self.giveUp() }
        self.state = .waiting(until: until)
        return .wait(until: until, isPaid: end.wasSent)
    }

    /// The budget had no retry left, or no instance can take one: the caller gets what there is.
    public mutating func giveUp() -> NextAction {
        self.state = .ended
        if self.hasKept { return .answerKept }
        return .answerProblem(self.problem)
    }

    /// The answer is complete, broken off, or nobody wants it any more.
    public mutating func finished() {
        self.state = .ended
    }

    // MARK: Rules

    /// Nil when the wait would outlast the deadline.
    private mutating func nextWait(now: Instant, dice: UInt64) -> Instant? {
        let bound = self.policy.retryDelay.inNanoseconds &<< Int64(min(self.waits, 16))
        self.waits += 1
        let wait = bound > 0 ? Int64(dice % UInt64(bound)) : 0
        let until = Instant(nanoseconds: now.nanoseconds &+ wait)
        return until < self.policy.deadline ? until : nil
    }

    private var problem: Problem.Code {
        switch self.lastEnd {
        case .unreachable, .reset: .upstreamUnreachable
        case .crowded: .overloaded
        case .timeout: .upstreamTimeout
        case .broken, .status: .upstreamInvalid
        }
    }
}
