import Decisions
import Registry
import Testing

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
        #expect(machine.due(now: self.start) == .ask)
        #expect(machine.due(now: self.start) == .nothing, "one call at a time")
        #expect(machine.won(Term(5), sentAt: self.start) == .elected(Term(5)))
        #expect(machine.term(now: self.start + .milliseconds(3999)) == Term(5))
        #expect(machine.term(now: self.start + .seconds(4)) == nil)
        #expect(machine.due(now: self.start + .milliseconds(999)) == .nothing)
        #expect(machine.due(now: self.start + .seconds(1)) == .ask)
        #expect(machine.won(Term(5), sentAt: self.start + .seconds(1)) == .nothing)
        #expect(machine.due(now: self.start + .milliseconds(2000)) == .ask)
        machine.failed(now: self.start + .milliseconds(2500))
        #expect(machine.due(now: self.start + .milliseconds(3500)) == .ask)
        #expect(machine.due(now: self.start + .seconds(5)) == .deposed(Term(5)), "also while a call is under way")
        #expect(machine.term(now: self.start + .seconds(5)) == nil)
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
        #expect(machine.due(now: later + .seconds(6)) == .ask)
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
            #expect(machine.due(now: self.start) == .ask)
        }
    }

    @Test func `is not delayed after a resignation by what was read before it`() {
        for isHeard in [true, false] {
            var machine = self.candidate()
            #expect(machine.due(now: self.start) == .ask)
            if isHeard {
                machine.heardResignation(of: Term(4), now: self.start)
            } else {
                _ = machine.observed(holder: nil, Term(4), remaining: .zero, now: self.start)
            }
            _ = machine.observed(holder: "other", Term(4), remaining: .seconds(6), now: self.start)
            #expect(machine.held(by: "other", Term(4), remaining: .seconds(6), now: self.start) == .nothing)
            #expect(machine.due(now: self.start + .milliseconds(250)) == .ask, "the answer was older than the news")
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
        #expect(machine.due(now: now + .seconds(3)) == .ask)
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
