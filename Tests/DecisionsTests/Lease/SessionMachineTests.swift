import Decisions
import Registry
import Testing

@Suite struct `A session's keeper` {
    private let start = Instant(nanoseconds: 1_000_000_000)

    private func opened() -> SessionMachine {
        var machine = SessionMachine(ttl: .seconds(6))
        _ = machine.beat(now: self.start, random: 0.5)
        _ = machine.answered(.opened, sentAt: self.start)
        return machine
    }

    @Test func `opens, beats six times a lease, and trusts what it has from when it asked`() {
        var machine = SessionMachine(ttl: .seconds(6))
        #expect(machine.beat(now: self.start, random: 0.5) == .open(ordinal: 1))
        #expect(machine.beat(now: self.start + .seconds(9), random: 0.5) == .nothing, "one beat at a time")
        #expect(machine.answered(.opened, sentAt: self.start) == .began(ordinal: 1))
        #expect(machine.isTrusted(now: self.start + .milliseconds(3999)))
        #expect(!machine.isTrusted(now: self.start + .seconds(4)), "the margin is not trusted")
        #expect(machine.beat(now: self.start + .milliseconds(999), random: 0.5) == .nothing)
        #expect(machine.beat(now: self.start + .seconds(1), random: 0.5) == .extend(ordinal: 1))
        #expect(machine.answered(.extended, sentAt: self.start + .seconds(1)) == .nothing)
        #expect(machine.isTrusted(now: self.start + .milliseconds(4999)))
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
        #expect(machine.beat(now: woken, random: 0.5) == .extend(ordinal: 1))
        #expect(machine.answered(.extended, sentAt: woken) == .nothing)
        #expect(machine.isTrusted(now: woken + .seconds(3)))
    }

    @Test func `opens another one at once when Redis says that it lapsed, never the same again`() {
        var machine = self.opened()
        #expect(machine.beat(now: self.start + .seconds(60), random: 0.5) == .extend(ordinal: 1))
        #expect(machine.answered(.lapsed, sentAt: self.start + .seconds(60)) == .lost)
        #expect(machine.openOrdinal == nil)
        #expect(machine.beat(now: self.start + .seconds(60), random: 0.5) == .open(ordinal: 2))
        machine.failed(now: self.start + .seconds(60))
        #expect(machine.beat(now: self.start + .seconds(61), random: 0.5) == .open(ordinal: 2), "the same try again")
        #expect(machine.answered(.lapsed, sentAt: self.start + .seconds(61)) == .nothing)
        #expect(machine.beat(now: self.start + .seconds(61), random: 0.5) == .open(ordinal: 3))
        #expect(machine.answered(.extended, sentAt: self.start + .seconds(61)) == .began(ordinal: 3))
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
        _ = machine.answered(.extended, sentAt: self.start + .seconds(1))
        _ = machine.answered(.extended, sentAt: self.start)
        #expect(machine.isTrusted(now: self.start + .milliseconds(4999)))
        #expect(!machine.isTrusted(now: self.start + .seconds(5)))
    }

    @Test func `tells news at once, and a stream of news a bounded number of times`() {
        var machine = self.opened()
        machine.hurry(now: self.start + .milliseconds(500))
        #expect(machine.beat(now: self.start + .milliseconds(500), random: 0.5) == .extend(ordinal: 1))
        _ = machine.answered(.extended, sentAt: self.start + .milliseconds(500))
        var beats = 0
        for millisecond in 501...1500 {
            let now = self.start + .milliseconds(millisecond)
            machine.hurry(now: now)
            guard machine.beat(now: now, random: 0.5) != .nothing else { continue }
            _ = machine.answered(.extended, sentAt: now)
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
        #expect(machine.answered(.extended, sentAt: self.start) == .nothing)
        #expect(!machine.isTrusted(now: self.start))
    }
}
