import Decisions
import Registry
import Testing

@Suite struct `Blocks of tickets` {
    private let start = Instant(nanoseconds: 0)

    @Test(arguments: [
        (10, 3, 1), (49, 3, 1), (60, 3, 15), (160, 4, 40), (2000, 3, 501), (2000, 64, 512), (1_000_000, 3, 4095),
        (1_000_000, 1, 4096), (100, 1000, 1000), (100, 5000, 25),
    ]) func `are as long as 250 ms need, in whole rounds`(rate: Int, members: Int, size: Int) {
        var blocks = TicketBlocks(localStart: 0)
        _ = blocks.demand(members: members, now: self.start)
        blocks.grant(first: 0, count: 0)
        for _ in 0..<rate { _ = blocks.take(members: 1) }
        #expect(blocks.demand(members: members, now: self.start + .seconds(1)) == size)
    }

    /// So many tickets, one by one.
    private func take(_ count: Int, of blocks: inout TicketBlocks, members: Int) -> [UInt64] {
        var numbers: [UInt64] = []
        while numbers.count < count { numbers += blocks.take(members: members).numbers }
        return numbers
    }

    /// Blocks that saw traffic of a thousand a second.
    private func busyBlocks(members: Int) -> TicketBlocks {
        var blocks = TicketBlocks(localStart: 900)
        _ = blocks.demand(members: members, now: self.start)
        for _ in 0..<100 { _ = blocks.take(members: 1) }
        _ = blocks.demand(members: members, now: self.start + .milliseconds(100))
        return blocks
    }

    @Test func `are used in their order, a quarter at a time, and the next one is asked for at half`() {
        var blocks = self.busyBlocks(members: 2)
        blocks.grant(first: 10, count: 8)
        #expect(blocks.demand(members: 2, now: self.start + .milliseconds(100)) == nil)
        let taken = (0..<4).map { _ in blocks.take(members: 2) }
        #expect(taken.map(\.numbers) == [10..<12, 12..<14, 14..<16, 16..<18])
        #expect(taken.map(\.asksForMore) == [false, true, true, true])
        #expect(blocks.demand(members: 2, now: self.start + .milliseconds(100)) != nil)
    }

    @Test func `wait in store, one at most`() {
        var blocks = TicketBlocks(localStart: 900)
        blocks.grant(first: 0, count: 2)
        blocks.grant(first: 50, count: 2)
        blocks.grant(first: 70, count: 2)
        #expect(self.take(5, of: &blocks, members: 3) == [0, 1, 50, 51, 900])
    }

    @Test func `are repaid: the instance whose turn was borrowed loses the next one`() {
        var blocks = TicketBlocks(localStart: 900)
        #expect(self.take(2, of: &blocks, members: 4) == [900, 901])
        blocks.grant(first: 4, count: 4)
        #expect(self.take(4, of: &blocks, members: 4) == [6, 7, 902, 903], "4 and 5 are the turns of 900 and 901")
        blocks.grant(first: 8, count: 4)
        #expect(self.take(2, of: &blocks, members: 4) == [8, 9], "10 and 11 go unused")
    }

    @Test func `owe nothing after whole rounds, nor to instances that take no turns any more`() {
        var blocks = TicketBlocks(localStart: 0)
        #expect(self.take(6, of: &blocks, members: 3) == [0, 1, 2, 3, 4, 5])
        blocks.grant(first: 6, count: 3)
        #expect(self.take(3, of: &blocks, members: 3) == [6, 7, 8])
        #expect(self.take(1, of: &blocks, members: 3) == [6])
        blocks.grant(first: 12, count: 2)
        #expect(self.take(2, of: &blocks, members: 2) == [12, 13], "6 was borrowed of three")
    }

    @Test func `are asked for one by one, but in whole rounds when one is owed or was lost`() {
        var blocks = TicketBlocks(localStart: 0)
        #expect(blocks.demand(members: 3, now: self.start) == 1)
        #expect(blocks.demand(members: 3, now: self.start) == 3, "the first did not come")
        blocks.grant(first: 7, count: 3)
        #expect(blocks.demand(members: 3, now: self.start) == nil)
        #expect(self.take(4, of: &blocks, members: 3) == [7, 8, 9, 0])
        #expect(blocks.demand(members: 3, now: self.start) == 3)
    }
}
