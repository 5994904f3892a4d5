import Decisions
import Registry
import Testing

@Suite struct `Blocks of tickets` {
    private let start = Instant(nanoseconds: 0)

    @Test(arguments: [
        (10, 3, 1), (49, 3, 1), (60, 3, 9), (160, 4, 8), (2000, 3, 102), (2000, 64, 128), (1_000_000, 3, 510),
        (1_000_000, 1, 512), (100, 1000, 8),
    ]) func `are as long as 50 ms need, in whole rounds`(rate: Int, members: Int, size: Int) {
        var blocks = TicketBlocks(localStart: 0)
        _ = blocks.demand(members: members, now: self.start)
        for _ in 0..<rate { _ = blocks.take() }
        #expect(blocks.demand(members: members, now: self.start + .seconds(1)) == size)
    }

    @Test func `are used in their order, and the next one is asked for at half`() {
        var blocks = TicketBlocks(localStart: 900)
        blocks.grant(first: 10, count: 4)
        #expect(blocks.demand(members: 2, now: self.start) == nil)
        let taken = (0..<4).map { _ in blocks.take() }
        #expect(taken.map(\.number) == [10, 11, 12, 13])
        #expect(taken.map(\.asksForMore) == [false, true, true, true])
        #expect(blocks.demand(members: 2, now: self.start) != nil)
    }

    @Test func `wait in store, one at most`() {
        var blocks = TicketBlocks(localStart: 900)
        blocks.grant(first: 0, count: 2)
        blocks.grant(first: 50, count: 2)
        blocks.grant(first: 70, count: 2)
        #expect((0..<5).map { _ in blocks.take().number } == [0, 1, 50, 51, 900])
    }

    @Test func `are replaced by a roll of one's own that goes on where it stopped`() {
        var blocks = TicketBlocks(localStart: 900)
        #expect((0..<2).map { _ in blocks.take().number } == [900, 901])
        blocks.grant(first: 5, count: 1)
        #expect((0..<2).map { _ in blocks.take().number } == [5, 902])
        #expect(blocks.take().isLocal)
    }
}
