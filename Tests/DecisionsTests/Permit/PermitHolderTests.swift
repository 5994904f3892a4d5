import Decisions
import Registry
import Testing

@Suite struct `A holder of permits` {
    private let start = Instant(nanoseconds: 1_000_000_000)

    private func demand(_ inFlight: Int, _ waiting: Int, limit: Int = 5, epoch: Int64 = 1) -> PermitHolder.Demand {
        .init(limit: limit, limitEpoch: Epoch(epoch), inFlight: inFlight, waiting: waiting)
    }

    /// A holder that was granted so many, with as many requests in flight.
    private func holder(_ granted: Int, onLoss: LimitOnLoss = .hold) -> PermitHolder {
        var holder = PermitHolder(onLoss: onLoss)
        let demand = self.demand(0, granted)
        _ = holder.settle(demand, isTrusted: true, now: self.start)
        let ask = holder.ask(demand, now: self.start)
        holder.answered(.init(granted: granted, share: 5), number: ask?.number ?? 0, now: self.start)
        _ = holder.settle(self.demand(granted, 0), isTrusted: true, now: self.start)
        return holder
    }

    @Test func `asks for what waits, admits what it was granted, and asks no more while that is enough`() throws {
        var holder = PermitHolder()
        #expect(holder.settle(self.demand(0, 0), isTrusted: true, now: self.start) == .nothing)
        let ask = try holder.mustAsk(self.demand(0, 2), now: self.start)
        #expect((ask.number, ask.held, ask.inFlight, ask.want) == (1, 0, 0, 2))
        #expect(holder.ask(self.demand(0, 3), now: self.start) == nil, "one call at a time")
        holder.answered(.init(granted: 2, share: 5), number: 1, now: self.start)
        #expect(holder.settle(self.demand(0, 2), isTrusted: true, now: self.start) == .admit(upTo: 2))
        #expect(holder.ask(self.demand(2, 0), now: self.start) == nil)
        #expect(holder.ask(self.demand(1, 0), now: self.start) == nil, "what is idle is kept")
    }

    @Test func `never wants more than the limit, and repeats an unmet want in a quarter of a second`() throws {
        var holder = PermitHolder()
        let crowd = self.demand(0, 90)
        #expect(try holder.mustAsk(crowd, now: self.start).want == 5)
        holder.answered(.init(granted: 0, share: 2), number: 1, now: self.start)
        #expect(holder.ask(crowd, now: self.start + .milliseconds(249)) == nil)
        #expect(holder.ask(crowd, now: self.start + .milliseconds(250)) != nil)
        holder.answered(.init(granted: 0, share: 2), number: 2, now: self.start + .milliseconds(250))
        holder.heardFree()
        #expect(holder.ask(crowd, now: self.start + .milliseconds(251)) != nil, "a signal shortens the wait")
    }

    @Test func `ignores answers to other calls than its last one`() throws {
        var holder = PermitHolder()
        _ = holder.ask(self.demand(0, 2), now: self.start)
        holder.failed(number: 1, now: self.start)
        _ = try holder.mustAsk(self.demand(0, 2), now: self.start + .seconds(1))
        holder.answered(.init(granted: 2, share: 5), number: 1, now: self.start + .seconds(1))
        #expect(holder.held == 0)
        holder.stale(40, number: 2)
        #expect(try holder.mustAsk(self.demand(0, 2), now: self.start + .seconds(1)).number == 41)
    }

    @Test func `keeps what it declared when an answer is lost, and asks again with a higher number`() throws {
        var holder = self.holder(2)
        let more = self.demand(2, 2)
        let ask = try holder.mustAsk(more, now: self.start + .seconds(1))
        holder.failed(number: ask.number, now: self.start + .seconds(1))
        #expect(holder.settle(more, isTrusted: true, now: self.start + .seconds(1)) == .nothing)
        #expect(holder.held == 2)
        let again = try holder.mustAsk(self.demand(2, 0), now: self.start + .seconds(2))
        #expect(again.number == ask.number + 1)
        #expect(again.held == 2)
    }

    @Test func `gives back everything idle when others want some, first here and then in Redis`() throws {
        var holder = self.holder(4)
        let now = self.start + .milliseconds(10)
        holder.heardWant(now: now)
        #expect(holder.settle(self.demand(1, 0), isTrusted: true, now: now) == .admit(upTo: 1))
        let ask = try holder.mustAsk(self.demand(1, 0), now: now)
        #expect((ask.held, ask.want) == (1, 1))
    }

    @Test func `is wanted by others for as long as one was heard lately`() {
        var holder = self.holder(4)
        #expect(!holder.isWanted)
        holder.heardWant(now: self.start)
        #expect(holder.isWanted)
        _ = holder.settle(self.demand(4, 0), isTrusted: true, now: self.start + .milliseconds(999))
        #expect(holder.isWanted)
        _ = holder.settle(self.demand(4, 0), isTrusted: true, now: self.start + .seconds(1))
        #expect(!holder.isWanted)
    }

    @Test func `stops at its share while others have less than theirs, and reports as requests end`() throws {
        var holder = self.holder(5)
        let ask = try holder.mustAsk(self.demand(5, 3, epoch: 2), now: self.start)
        let pressed = PermitHolder.Answer(granted: 5, entitled: 1, share: 2, waiters: 1)
        holder.answered(pressed, number: ask.number, now: self.start)
        #expect(holder.settle(self.demand(5, 3), isTrusted: true, now: self.start) == .nothing, "used first")
        #expect(holder.settle(self.demand(5, 3), isTrusted: true, now: self.start) == .admit(upTo: 2))
        #expect(holder.ask(self.demand(5, 3), now: self.start) == nil, "nothing to tell yet")
        let report = try holder.mustAsk(self.demand(4, 3), now: self.start)
        #expect((report.held, report.inFlight, report.want) == (2, 4, 5))
    }

    @Test func `keeps idle permits up to the recent peak, which it forgets by halves`() {
        var holder = self.holder(4)
        for (count, held) in [(0, 4), (1, 2), (2, 1), (3, 1)] {
            let now = self.start + PermitHolder.peakInterval * count
            _ = holder.settle(self.demand(0, 0), isTrusted: true, now: now)
            #expect(holder.held == held, "after \(count) intervals")
        }
    }

    @Test func `gives way when more is out than the limit allows`() throws {
        var holder = self.holder(4)
        let lowered = self.demand(1, 0, limit: 2, epoch: 2)
        let ask = try holder.mustAsk(lowered, now: self.start)
        #expect((ask.limit, ask.held) == (2, 4))
        holder.answered(.init(granted: 4, share: 2, over: 2), number: ask.number, now: self.start)
        #expect(holder.settle(lowered, isTrusted: true, now: self.start) == .admit(upTo: 2))
        #expect(try holder.mustAsk(lowered, now: self.start).held == 2)
    }

    @Test(arguments: [(LimitOnLoss.hold, 3), (.strict, 0)]) func `does as told when the session is in doubt`(
        onLoss: LimitOnLoss,
        admitted: Int
    ) {
        var holder = self.holder(3, onLoss: onLoss)
        let doubted = holder.settle(self.demand(3, 0), isTrusted: false, now: self.start)
        #expect(doubted == (admitted == 3 ? .nothing : .admit(upTo: admitted)))
        let again = holder.settle(self.demand(3, 0), isTrusted: true, now: self.start)
        #expect(again == (admitted == 3 ? .nothing : .admit(upTo: 3)), "all holdings are valid again")
    }

    @Test func `holds nothing in a new session, but declares what is in flight, and claims what it held`() throws {
        var holder = self.holder(3)
        holder.lost()
        holder.lost()
        #expect(holder.settle(self.demand(2, 0), isTrusted: true, now: self.start) == .admit(upTo: 0))
        let ask = try holder.mustAsk(self.demand(2, 0), now: self.start)
        #expect((ask.held, ask.inFlight, ask.want) == (3, 2, 2))
        holder.failed(number: ask.number, now: self.start)
        let again = try holder.mustAsk(self.demand(2, 0), now: self.start + .seconds(1))
        #expect(again.held == 3, "nobody knows whether the claim was heard")
        holder.answered(.init(granted: 2, share: 5), number: again.number, now: self.start + .seconds(1))
        #expect(holder.held == 2)
        #expect(try holder.mustAsk(self.demand(2, 1), now: self.start + .seconds(2)).held == 2, "it claims once")
    }

    @Test func `asks for a permit to have in stock, until Redis grants again, and as long as others have them all`()
        throws
    {
        var holder = PermitHolder()
        let idle = self.demand(0, 0)
        let ask = try holder.mustAsk(idle, now: self.start)
        #expect((ask.want, ask.stock) == (0, 1))
        holder.answered(.init(granted: 0, share: 5, isFrozen: true), number: ask.number, now: self.start)
        let again = try holder.mustAsk(idle, now: self.start + .milliseconds(250))
        #expect(again.stock == 1)
        holder.answered(.init(granted: 0, share: 5), number: again.number, now: self.start)
        #expect(holder.ask(idle, now: self.start + .milliseconds(1999)) == nil, "others have them all")
        let later = try holder.mustAsk(idle, now: self.start + .seconds(2))
        holder.answered(.init(granted: 1, share: 5), number: later.number, now: self.start + .seconds(2))
        #expect(holder.ask(idle, now: self.start + .seconds(60)) == nil, "it has one")
    }

    @Test func `has one in stock again when the others, to whom it gave everything, are done`() throws {
        var holder = self.holder(4)
        let idle = self.demand(0, 0)
        holder.heardWant(now: self.start)
        #expect(holder.settle(idle, isTrusted: true, now: self.start) == .admit(upTo: 0))
        let gift = try holder.mustAsk(idle, now: self.start)
        holder.answered(.init(granted: 0, share: 2, waiters: 1), number: gift.number, now: self.start)
        #expect(holder.ask(idle, now: self.start + .milliseconds(1999)) == nil)
        let ask = try holder.mustAsk(idle, now: self.start + .seconds(2))
        #expect((ask.held, ask.want, ask.stock) == (0, 0, 1))
    }
}

extension PermitHolder {
    /// An ask, where there must be one.
    fileprivate mutating func mustAsk(_ demand: Demand, now: Instant) throws -> Ask {
        let ask = self.ask(demand, now: now)
        return try #require(ask)
    }
}
