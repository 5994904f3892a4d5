/// What the general door owes one connection: in which order a late `100 Continue`, a refusal of unreadable bytes and
/// the answers of requests before them may be written.
///
/// The decoder runs ahead of the answers (callers may pipeline), so what it finds must wait until all answers before
/// it are out, or it would stand in the middle of one.
struct ConnectionMachine: Sendable, Equatable {
    /// Why no further request of the connection can be read.
    enum Refusal: Sendable, Equatable { case unreadable, headersTooLarge, headTimedOut, bodyTimedOut }

    /// What the shell does now, in this order.
    struct Action: Sendable, Equatable {
        var writesContinue = false
        var tellsResponseEnded = false
        var refusal: Refusal?
        var closes = false
    }

    private var requestsUnanswered = 0
    /// The request that waits for `100 Continue`, counted from the one being answered now.
    private var continueOwed = false
    private var refusalOwed: Refusal?
    private var closesAfterAnswer = false
    private var answerBegun = false
    private var isClosed = false

    /// A request's head was read. `expectsContinue` unless it will be refused without its body.
    mutating func requestHead(expectsContinue: Bool) -> Action {
        self.requestsUnanswered += 1
        guard expectsContinue else { return Action() }
        guard self.requestsUnanswered == 1 else {
            self.continueOwed = true
            return Action()
        }
        return Action(writesContinue: true)
    }

    /// The decoder gave up; `inRequest` when it did so after a head, whose request then never comes to its end. The
    /// refusal is the answer to that request, unless another one has begun.
    mutating func unreadable(_ refusal: Refusal, inRequest: Bool = false) -> Action {
        guard !self.isClosed, self.refusalOwed == nil else { return Action() }
        if inRequest, self.requestsUnanswered == 1, self.answerBegun {
            self.closesAfterAnswer = true
            return Action()
        }
        if inRequest { self.requestsUnanswered = max(0, self.requestsUnanswered - 1) }
        guard self.requestsUnanswered == 0 else {
            self.refusalOwed = refusal
            return Action()
        }
        self.isClosed = true
        return Action(refusal: refusal, closes: true)
    }

    /// Whether the caller waits for an answer.
    var owesAnswer: Bool { self.requestsUnanswered > 0 }

    /// Whether the answer that comes next is that to the request read last.
    var answersLast: Bool { self.requestsUnanswered == 1 }

    /// The head of a final answer is being written.
    mutating func responseHead(closes: Bool) {
        self.answerBegun = true
        self.closesAfterAnswer = self.closesAfterAnswer || closes
    }

    /// An answer has been flushed to its end.
    mutating func responseEnded() -> Action {
        guard !self.isClosed else { return Action() }
        self.answerBegun = false
        self.requestsUnanswered = max(0, self.requestsUnanswered - 1)
        var action = Action(tellsResponseEnded: true)
        if self.closesAfterAnswer {
            self.isClosed = true
            action.closes = true
        } else if self.requestsUnanswered == 0, let refusal = self.refusalOwed {
            self.isClosed = true
            action.refusal = refusal
            action.closes = true
        } else if self.continueOwed, self.requestsUnanswered == 1 {
            self.continueOwed = false
            action.writesContinue = true
        }
        return action
    }
}
