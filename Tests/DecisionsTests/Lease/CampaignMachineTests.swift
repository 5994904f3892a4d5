import Decisions
import Registry
import Testing

extension CampaignMachine {
    /// Redis answers at once, by a clock that goes as ours does, and grants the whole lease.
    fileprivate mutating func won(_ term: Term, sentAt: Instant) -> WinAction {
        self.won(term, remaining: self.ttl, sentAt: sentAt, clock: .of(sentAt), now: sentAt)
    }

    fileprivate mutating func held(by holder: String, _ term: Term, remaining: Duration, now: Instant) -> SeeAction {
        self.held(by: holder, term, remaining: remaining, clock: .of(now), now: now)
    }
}

extension LeaseClockReading {
    fileprivate static func of(_ now: Instant) -> LeaseClockReading {
        LeaseClockReading(milliseconds: now.nanoseconds / 1_000_000, at: now)
    }
}

@Suite struct `A candidate` {
    private let start = Instant(nanoseconds: 1_000_000_000)

    private func candidate() -> CampaignMachine {
        CampaignMachine(candidate: "me", ttl: .seconds(6), now: self.start)
    }

    private func leader(_ term: Int64 = 5) -> CampaignMachine {
        var machine = self.candidate()
        _ = machine.due(now: self.start)
        _ = machine.won(Term(term), sentAt: self.start)
        return machine
    }

    @Test func `asks at once, leads from when it asked, renews, and stops in time`() {
        var machine = self.candidate()
        #expect(machine.due(now: self.start) == .ask(sentAt: nil))
        #expect(machine.due(now: self.start) == .nothing, "one call at a time")
        #expect(machine.won(Term(5), sentAt: self.start) == .elected(Term(5)))
        #expect(machine.term(now: self.start + .milliseconds(3999)) == Term(5))
        #expect(machine.term(now: self.start + .seconds(4)) == nil)
        #expect(machine.due(now: self.start + .milliseconds(999)) == .nothing)
        #expect(machine.due(now: self.start + .seconds(1)) == .ask(sentAt: 2000))
        #expect(machine.won(Term(5), sentAt: self.start + .seconds(1)) == .nothing)
        #expect(machine.due(now: self.start + .milliseconds(2000)) == .ask(sentAt: 3000))
        machine.failed(now: self.start + .milliseconds(2500))
        #expect(machine.due(now: self.start + .milliseconds(3500)) == .ask(sentAt: 4500))
        #expect(machine.due(now: self.start + .seconds(5)) == .deposed(Term(5)), "also while a call is under way")
        #expect(machine.term(now: self.start + .seconds(5)) == nil)
    }

    @Test func `asks for the lease clock first, and again when it has not heard it for a lease`() {
        var machine = self.candidate()
        #expect(machine.due(now: self.start) == .ask(sentAt: nil))
        let heardAt = self.start + .milliseconds(30)
        machine.late(clock: LeaseClockReading(milliseconds: 70_000, at: heardAt), now: heardAt)
        #expect(machine.due(now: heardAt) == .nothing, "no more than one call in 20 ms")
        #expect(machine.due(now: heardAt + .milliseconds(20)) == .ask(sentAt: 70_020))
        machine.failed(now: heardAt + .milliseconds(500))
        #expect(machine.due(now: heardAt + .milliseconds(750)) == .ask(sentAt: 70_750))
        machine.failed(now: heardAt + .milliseconds(5750))
        #expect(machine.due(now: heardAt + .seconds(6)) == .ask(sentAt: nil))
    }

    @Test func `believes no more than what Redis granted, counted from when it asked`() {
        var machine = self.candidate()
        _ = machine.due(now: self.start)
        let heardAt = self.start + .milliseconds(400)
        let clock = LeaseClockReading(milliseconds: 0, at: heardAt)
        let won = machine.won(Term(5), remaining: .milliseconds(5500), sentAt: self.start, clock: clock, now: heardAt)
        #expect(won == .elected(Term(5)))
        #expect(machine.term(now: self.start + .milliseconds(3499)) == Term(5))
        #expect(machine.term(now: self.start + .milliseconds(3500)) == nil)
        _ = machine.won(Term(5), remaining: .seconds(1), sentAt: self.start, clock: clock, now: heardAt)
        #expect(machine.term(now: self.start + .milliseconds(3499)) == Term(5), "what was granted is not taken back")
    }

    @Test func `asks again for what came too late to be believed`() {
        var machine = self.candidate()
        _ = machine.due(now: self.start)
        let now = self.start + .seconds(3)
        let clock = LeaseClockReading(milliseconds: 0, at: now)
        #expect(
            machine.won(Term(5), remaining: .seconds(5), sentAt: self.start, clock: clock, now: now) == .nothing
        )
        #expect(machine.term(now: now) == nil)
        #expect(machine.due(now: now + .milliseconds(20)) == .ask(sentAt: 20))
    }

    @Test func `waits until the lease it saw has run out on its own clock, although the record vanished`() {
        var machine = self.candidate()
        _ = machine.due(now: self.start)
        let lease = Duration.seconds(5)
        #expect(machine.held(by: "other", Term(4), remaining: lease, now: self.start) == .nothing)
        let later = self.start + .seconds(2)
        #expect(machine.observed(holder: "other", Term(4), remaining: .seconds(6), now: later) == .nothing)
        // Redis was emptied: nobody holds anything, as far as it knows.
        _ = machine.observed(holder: nil, .none, remaining: .zero, now: later + .seconds(1))
        #expect(machine.due(now: later + .milliseconds(5999)) == .nothing)
        #expect(machine.due(now: later + .seconds(6)) == .ask(sentAt: nil))
    }

    @Test func `asks at once after a resignation, heard or read, but not after an older one`() {
        for isHeard in [true, false] {
            var machine = self.candidate()
            _ = machine.due(now: self.start)
            _ = machine.held(by: "other", Term(4), remaining: .seconds(5), now: self.start)
            machine.heardResignation(of: Term(3), now: self.start)
            #expect(machine.due(now: self.start) == .nothing)
            if isHeard {
                machine.heardResignation(of: Term(4), now: self.start)
            } else {
                _ = machine.observed(holder: nil, Term(4), remaining: .zero, now: self.start)
            }
            #expect(machine.due(now: self.start) == .ask(sentAt: 1000))
        }
    }

    @Test func `is not delayed after a resignation by what was read before it`() {
        for isHeard in [true, false] {
            var machine = self.candidate()
            #expect(machine.due(now: self.start) == .ask(sentAt: nil))
            if isHeard {
                machine.heardResignation(of: Term(4), now: self.start)
            } else {
                _ = machine.observed(holder: nil, Term(4), remaining: .zero, now: self.start)
            }
            _ = machine.observed(holder: "other", Term(4), remaining: .seconds(6), now: self.start)
            #expect(machine.held(by: "other", Term(4), remaining: .seconds(6), now: self.start) == .nothing)
            #expect(
                machine.due(now: self.start + .milliseconds(250)) == .ask(sentAt: 1250),
                "the answer was older than the news"
            )
            _ = machine.held(by: "next", Term(5), remaining: .seconds(6), now: self.start)
            #expect(machine.due(now: self.start + .milliseconds(5999)) == .nothing, "a newer term counts")
        }
    }

    @Test func `stops leading when somebody with a higher term leads`() {
        var machine = self.leader()
        let now = self.start + .seconds(1)
        #expect(machine.observed(holder: "other", Term(4), remaining: .seconds(3), now: now) == .nothing, "old news")
        #expect(machine.observed(holder: "other", Term(6), remaining: .seconds(3), now: now) == .deposed(Term(5)))
        #expect(machine.term(now: now) == nil)
        #expect(machine.due(now: now + .milliseconds(2999)) == .nothing)
        #expect(machine.due(now: now + .seconds(3)) == .ask(sentAt: 5000))
    }

    @Test func `hands over when it leaves, also what it wins too late`() {
        var machine = self.leader()
        #expect(machine.leave() == .resign)
        #expect(machine.leave() == .nothing)
        #expect(machine.due(now: self.start + .seconds(60)) == .nothing)
        var late = self.candidate()
        _ = late.due(now: self.start)
        #expect(late.leave() == .nothing)
        #expect(late.won(Term(9), sentAt: self.start) == .resign)
        #expect(late.term(now: self.start) == nil)
    }
}
