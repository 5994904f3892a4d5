import Decisions
import Registry
import Testing

@Suite struct `An exchange` {
    private let start = Instant(nanoseconds: 1_000_000_000)

    private func machine(
        seconds: Double = 8,
        retriesMax: Int = 3,
        delay: Duration = .seconds(1),
        isRepeatable: Bool = true
    ) -> ExchangeMachine {
        ExchangeMachine(
            policy: ExchangePolicy(
                deadline: self.start + .seconds(seconds),
                retriesMax: retriesMax,
                retryDelay: delay,
                isRepeatable: isRepeatable
            )
        )
    }

    @Test func `fails over at once while an untried instance is left`() {
        var machine = self.machine()
        machine.attemptBegan(others: 2, now: self.start)
        #expect(machine.ended(.unreachable, untried: 2, now: self.start, dice: 0) == .attempt(isPaid: false))
        machine.attemptBegan(others: 1, now: self.start)
        #expect(machine.ended(.reset, untried: 1, now: self.start, dice: 0) == .attempt(isPaid: true))
        machine.attemptBegan(others: 0, now: self.start)
        #expect(machine.answered(status: 200, silentMax: .seconds(1), now: self.start) == .pass)
        #expect(machine.attempts == 3)
        #expect(machine.wakeAt == self.start + .seconds(1))
    }

    @Test func `gives an attempt half of what remains while another instance is untried, and the last one all`() {
        var machine = self.machine()
        machine.attemptBegan(others: 3, now: self.start)
        #expect(machine.wakeAt == self.start + .seconds(4))
        #expect(machine.ended(.timeout, untried: 3, now: self.start + .seconds(4), dice: 0) == .attempt(isPaid: true))
        machine.attemptBegan(others: 2, now: self.start + .seconds(4))
        #expect(machine.wakeAt == self.start + .seconds(6))
        _ = machine.ended(.timeout, untried: 2, now: self.start + .seconds(6), dice: 0)
        machine.attemptBegan(others: 0, now: self.start + .seconds(6))
        #expect(machine.wakeAt == self.start + .seconds(8))
        #expect(
            machine.ended(.timeout, untried: 0, now: self.start + .seconds(8), dice: 0)
                == .answerProblem(.upstreamTimeout)
        )
    }

    @Test func `gives the last allowed attempt all of the time, however many instances are untried`() {
        var machine = self.machine(retriesMax: 0)
        machine.attemptBegan(others: 9, now: self.start)
        #expect(machine.wakeAt == self.start + .seconds(8))
    }

    @Test func `never makes an attempt shorter than the minimum, unless the deadline is`() {
        var machine = self.machine(seconds: 0.06)
        machine.attemptBegan(others: 1, now: self.start)
        #expect(machine.wakeAt == self.start + ExchangeMachine.attemptMin)
        machine.attemptBegan(others: 1, now: self.start + .milliseconds(50))
        #expect(machine.wakeAt == self.start + .milliseconds(60))
    }

    @Test func `waits a random, doubling time before an instance is tried again`() {
        var machine = self.machine(delay: .seconds(1))
        machine.attemptBegan(others: 0, now: self.start)
        #expect(
            machine.ended(.unreachable, untried: 0, now: self.start, dice: 700_000_000)
                == .wait(until: self.start + .milliseconds(700), isPaid: false)
        )
        #expect(machine.wakeAt == self.start + .milliseconds(700))
        machine.attemptBegan(others: 0, now: self.start + .seconds(1))
        #expect(
            machine.ended(.reset, untried: 0, now: self.start + .seconds(1), dice: 1_900_000_000)
                == .wait(until: self.start + .milliseconds(2_900), isPaid: true)
        )
    }

    @Test func `does not wait beyond its deadline`() {
        var machine = self.machine(seconds: 0.5)
        machine.attemptBegan(others: 0, now: self.start)
        #expect(
            machine.ended(.unreachable, untried: 0, now: self.start, dice: 600_000_000)
                == .answerProblem(.upstreamUnreachable)
        )
    }

    @Test(arguments: [500, 501, 502, 503, 504, 599, 429]) func `keeps an answer that asks for another try`(status: Int)
    {
        var machine = self.machine(retriesMax: 1)
        machine.attemptBegan(others: 1, now: self.start)
        #expect(machine.answered(status: status, silentMax: .seconds(1), now: self.start) == .keep)
        #expect(machine.wakeAt == self.start + .seconds(4))
        #expect(machine.ended(.status(status), untried: 1, now: self.start, dice: 0) == .attempt(isPaid: true))
        machine.attemptBegan(others: 0, now: self.start)
        #expect(machine.answered(status: status, silentMax: .seconds(1), now: self.start) == .pass)
    }

    @Test(arguments: [200, 204, 301, 302, 400, 404, 418, 422]) func `passes every other answer on`(status: Int) {
        var machine = self.machine()
        machine.attemptBegan(others: 1, now: self.start)
        #expect(machine.answered(status: status, silentMax: .seconds(1), now: self.start) == .pass)
    }

    @Test func `answers what it kept when the tries are used up by failures`() {
        var machine = self.machine(retriesMax: 1)
        machine.attemptBegan(others: 1, now: self.start)
        _ = machine.answered(status: 503, silentMax: .seconds(1), now: self.start)
        _ = machine.ended(.status(503), untried: 1, now: self.start, dice: 0)
        machine.attemptBegan(others: 0, now: self.start)
        #expect(machine.ended(.unreachable, untried: 0, now: self.start, dice: 0) == .answerKept)
        #expect(machine.state == .ended)
    }

    @Test func `answers what it kept when the budget is empty`() {
        var machine = self.machine()
        machine.attemptBegan(others: 1, now: self.start)
        _ = machine.ended(.status(500), untried: 1, now: self.start, dice: 0)
        #expect(machine.giveUp() == .answerKept)
    }

    @Test(arguments: [
        (AttemptEnd.unreachable, Problem.Code.upstreamUnreachable), (.reset, .upstreamUnreachable),
        (.timeout, .upstreamTimeout), (.broken, .upstreamInvalid), (.crowded, .overloaded),
    ]) func `names the problem after the last failure when no answer ever came`(
        end: AttemptEnd,
        code: Problem.Code
    ) {
        var machine = self.machine(retriesMax: 0)
        machine.attemptBegan(others: 1, now: self.start)
        #expect(machine.ended(end, untried: 1, now: self.start, dice: 0) == .answerProblem(code))
    }

    @Test func `sends a training run again only when it was never sent`() {
        var machine = self.machine(isRepeatable: false)
        machine.attemptBegan(others: 1, now: self.start)
        #expect(machine.wakeAt == self.start + .seconds(8))
        #expect(machine.ended(.unreachable, untried: 1, now: self.start, dice: 0) == .attempt(isPaid: false))
        machine.attemptBegan(others: 0, now: self.start)
        #expect(machine.answered(status: 503, silentMax: .seconds(1), now: self.start) == .pass)
        var other = self.machine(isRepeatable: false)
        other.attemptBegan(others: 1, now: self.start)
        #expect(other.ended(.reset, untried: 1, now: self.start, dice: 0) == .answerProblem(.upstreamUnreachable))
    }

    @Test func `cuts a stream that is silent, not one that moves`() {
        var machine = self.machine(seconds: 1)
        machine.attemptBegan(others: 0, now: self.start)
        _ = machine.answered(status: 200, silentMax: .seconds(1), now: self.start)
        for second in 1...100 {
            let now = self.start + .milliseconds(900 * second)
            #expect(machine.wakeAt > now)
            machine.moved(silentMax: .seconds(1), now: now)
        }
        machine.finished()
        #expect(machine.wakeAt == Instant(nanoseconds: .max))
    }

    @Test func `a kept answer that grows too long goes to the caller`() {
        var machine = self.machine()
        machine.attemptBegan(others: 1, now: self.start)
        #expect(machine.answered(status: 500, silentMax: .seconds(2), now: self.start) == .keep)
        machine.keptTooLong(silentMax: .seconds(2), now: self.start)
        #expect(machine.state == .answering(until: self.start + .seconds(2)))
    }
}
