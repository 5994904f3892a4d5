import Decisions
import Registry
import Testing

@Suite struct `Who may have missed something` {
    private let start = Instant(nanoseconds: 1_000_000_000)

    /// Has a session that is trusted for four seconds, and ticks.
    private func serving() -> CatchUpMachine {
        var machine = CatchUpMachine()
        _ = machine.trusted(ordinal: 1, until: self.start + .seconds(4))
        machine.caughtUp(ordinal: 1)
        _ = machine.trusted(ordinal: 1, until: self.start + .seconds(4))
        machine.tick(now: self.start, isAnswered: true)
        return machine
    }

    private func tick(_ machine: inout CatchUpMachine, from first: Int, to last: Int, isAnswered: Bool) {
        for quarter in first...last {
            machine.tick(now: self.start + .milliseconds(250 * quarter), isAnswered: isAnswered)
        }
    }

    @Test func `catches up in each new session before it trusts it`() {
        var machine = CatchUpMachine()
        #expect(machine.serveUntil == nil)
        #expect(machine.trusted(ordinal: 1, until: self.start) == .catchUp(ordinal: 1))
        #expect(machine.serveUntil == nil)
        machine.caughtUp(ordinal: 1)
        #expect(machine.trusted(ordinal: 1, until: self.start + .seconds(4)) == .nothing)
        #expect(machine.serveUntil == self.start + .seconds(4))
        #expect(machine.trusted(ordinal: 2, until: self.start + .seconds(9)) == .catchUp(ordinal: 2))
        #expect(machine.serveUntil == self.start + .seconds(4), "what the old one said holds")
    }

    @Test func `needs nothing when the old session goes on`() {
        var machine = self.serving()
        #expect(machine.trusted(ordinal: 1, until: self.start + .seconds(90)) == .nothing)
        #expect(machine.serveUntil == self.start + .seconds(90))
    }

    @Test func `waits after a pause, even while the first beats fail`() {
        var machine = self.serving()
        machine.tick(now: self.start + .seconds(60), isAnswered: false)
        #expect(machine.serveUntil == self.start + .seconds(4))
        #expect(machine.cutOffSince == nil)
        machine.tick(now: self.start + .milliseconds(60_250), isAnswered: true)
        #expect(machine.trusted(ordinal: 2, until: self.start + .seconds(64)) == .catchUp(ordinal: 2))
        machine.caughtUp(ordinal: 2)
        _ = machine.trusted(ordinal: 2, until: self.start + .seconds(64))
        #expect(machine.serveUntil == self.start + .seconds(64))
    }

    @Test func `does not count what went unanswered before a pause`() {
        var machine = self.serving()
        self.tick(&machine, from: 1, to: 3, isAnswered: false)
        machine.tick(now: self.start + .seconds(60), isAnswered: false)
        #expect(machine.serveUntil != nil)
    }

    @Test func `goes on without a break while the store is away, and says since when`() {
        var machine = self.serving()
        self.tick(&machine, from: 1, to: 5, isAnswered: false)
        #expect(machine.serveUntil == nil, "before the lease ran out: no request waits")
        #expect(machine.cutOffSince == self.start + .milliseconds(1250))
        self.tick(&machine, from: 6, to: 40, isAnswered: false)
        #expect(machine.cutOffSince == self.start + .milliseconds(1250))
        #expect(machine.trusted(ordinal: 1, until: self.start + .seconds(20)) == .nothing)
        #expect(machine.cutOffSince == nil)
        #expect(machine.serveUntil == self.start + .seconds(20))
    }

    @Test func `goes on when a request has waited too long`() {
        var machine = self.serving()
        machine.goOn(now: self.start + .seconds(61))
        #expect(machine.serveUntil == nil)
        #expect(machine.cutOffSince == self.start + .seconds(61))
    }
}
