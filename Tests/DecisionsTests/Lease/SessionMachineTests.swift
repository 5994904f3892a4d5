import Decisions
import Registry
import Testing

extension SessionMachine {
    /// Redis keeps the session for its whole lease, and answers at once, by a clock that goes as ours does.
    fileprivate mutating func kept(at: Instant) -> AnswerAction {
        self.answered(.kept(remaining: self.ttl, clock: at.nanoseconds / 1_000_000), sentAt: at, now: at)
    }

    fileprivate mutating func lapsed(at: Instant) -> AnswerAction {
        self.answered(.lapsed, sentAt: at, now: at)
    }
}

@Suite struct `A session's keeper` {
    private let start = Instant(nanoseconds: 1_000_000_000)

    private func extend(at: Instant) -> SessionMachine.BeatAction {
        .extend(ordinal: 1, sentAt: at.nanoseconds / 1_000_000)
    }

    private func opened() -> SessionMachine {
        var machine = SessionMachine(ttl: .seconds(6))
        _ = machine.beat(now: self.start, random: 0.5)
        _ = machine.kept(at: self.start)
        return machine
    }

    @Test func `opens, beats six times a lease, and trusts what it has from when it asked`() {
        var machine = SessionMachine(ttl: .seconds(6))
        #expect(machine.beat(now: self.start, random: 0.5) == .open(ordinal: 1))
        #expect(machine.beat(now: self.start + .seconds(9), random: 0.5) == .nothing, "one beat at a time")
        #expect(machine.kept(at: self.start) == .began(ordinal: 1))
        #expect(machine.isTrusted(now: self.start + .milliseconds(3999)))
        #expect(!machine.isTrusted(now: self.start + .seconds(4)), "the margin is not trusted")
        #expect(machine.beat(now: self.start + .milliseconds(999), random: 0.5) == .nothing)
        #expect(machine.beat(now: self.start + .seconds(1), random: 0.5) == self.extend(at: self.start + .seconds(1)))
        #expect(machine.kept(at: self.start + .seconds(1)) == .nothing)
        #expect(machine.isTrusted(now: self.start + .milliseconds(4999)))
    }

    @Test func `says when it beats by the lease clock, counted from when it last heard it`() {
        var machine = SessionMachine(ttl: .seconds(6))
        _ = machine.beat(now: self.start, random: 0.5)
        let heardAt = self.start + .milliseconds(300)
        _ = machine.answered(.kept(remaining: .seconds(6), clock: 70_000), sentAt: self.start, now: heardAt)
        let (second, third) = (self.start + .milliseconds(1000), self.start + .milliseconds(2500))
        #expect(machine.beat(now: second, random: 0.5) == .extend(ordinal: 1, sentAt: 70_700))
        machine.failed(now: self.start + .milliseconds(1500))
        #expect(machine.beat(now: third, random: 0.5) == .extend(ordinal: 1, sentAt: 72_200))
    }

    @Test func `trusts no more than what Redis has left of it`() {
        var machine = self.opened()
        let second = self.start + .seconds(1)
        _ = machine.beat(now: second, random: 0.5)
        _ = machine.answered(.kept(remaining: .milliseconds(5500), clock: 0), sentAt: second, now: second)
        #expect(machine.isTrusted(now: second + .milliseconds(3499)))
        #expect(!machine.isTrusted(now: second + .milliseconds(3500)))
    }

    @Test(arguments: [(0.0, 900), (0.999, 1100)]) func `keeps replicas from beating as one`(
        random: Double,
        milliseconds: Int
    ) throws {
        var machine = SessionMachine(ttl: .seconds(6))
        _ = machine.beat(now: self.start, random: random)
        let wait = try #require(machine.beatAt) - self.start
        #expect(abs(wait.inSeconds - Double(milliseconds) / 1000) < 0.001)
    }

    @Test func `extends the same session first, however late it wakes`() {
        var machine = self.opened()
        let woken = self.start + .seconds(60)
        #expect(!machine.isTrusted(now: woken))
        #expect(machine.beat(now: woken, random: 0.5) == self.extend(at: woken))
        #expect(machine.kept(at: woken) == .nothing)
        #expect(machine.isTrusted(now: woken + .seconds(3)))
    }

    @Test func `opens another one at once when Redis says that it lapsed, never the same again`() {
        var machine = self.opened()
        #expect(machine.beat(now: self.start + .seconds(60), random: 0.5) == self.extend(at: self.start + .seconds(60)))
        #expect(machine.lapsed(at: self.start + .seconds(60)) == .lost)
        #expect(machine.openOrdinal == nil)
        #expect(machine.beat(now: self.start + .seconds(60), random: 0.5) == .open(ordinal: 2))
        machine.failed(now: self.start + .seconds(60))
        #expect(machine.beat(now: self.start + .seconds(61), random: 0.5) == .open(ordinal: 2), "the same try again")
        #expect(machine.lapsed(at: self.start + .seconds(61)) == .nothing)
        #expect(machine.beat(now: self.start + .seconds(61), random: 0.5) == .open(ordinal: 3))
        #expect(machine.kept(at: self.start + .seconds(61)) == .began(ordinal: 3))
    }

    @Test func `believes another call that says it is over, if it means this session`() {
        var machine = self.opened()
        #expect(machine.heardLapsed(ordinal: 7) == .nothing)
        #expect(machine.heardLapsed(ordinal: 1) == .lost)
        #expect(machine.heardLapsed(ordinal: 1) == .nothing)
    }

    @Test func `does not trust longer because of an answer to an older beat`() {
        var machine = self.opened()
        _ = machine.beat(now: self.start + .seconds(1), random: 0.5)
        _ = machine.kept(at: self.start + .seconds(1))
        _ = machine.kept(at: self.start)
        #expect(machine.isTrusted(now: self.start + .milliseconds(4999)))
        #expect(!machine.isTrusted(now: self.start + .seconds(5)))
    }

    @Test func `tells news at once, and a stream of news a bounded number of times`() {
        var machine = self.opened()
        machine.hurry(now: self.start + .milliseconds(500))
        #expect(
            machine.beat(now: self.start + .milliseconds(500), random: 0.5)
                == self.extend(at: self.start + .milliseconds(500))
        )
        _ = machine.kept(at: self.start + .milliseconds(500))
        var beats = 0
        for millisecond in 501...1500 {
            let now = self.start + .milliseconds(millisecond)
            machine.hurry(now: now)
            guard machine.beat(now: now, random: 0.5) != .nothing else { continue }
            _ = machine.kept(at: now)
            beats += 1
        }
        #expect(beats == 40)
    }

    @Test func `tries again soon when no answer came`() {
        var machine = SessionMachine(ttl: .seconds(6))
        _ = machine.beat(now: self.start, random: 0.5)
        machine.failed(now: self.start + .milliseconds(10))
        #expect(machine.beatAt == self.start + .milliseconds(260))
    }

    @Test func `ends what it has when the replica leaves, and is silent then`() {
        var machine = self.opened()
        #expect(machine.leave() == .end(ordinal: 1))
        #expect(machine.leave() == .nothing)
        #expect(machine.beat(now: self.start + .seconds(9), random: 0.5) == .nothing)
        #expect(machine.kept(at: self.start) == .nothing)
        #expect(!machine.isTrusted(now: self.start))
    }
}
