import Decisions
import Registry
import Testing

@testable import ControlLoops

@Suite struct `Decisions on instances not known yet` {
    private func key(_ number: Int) throws -> InstanceKey {
        InstanceKey(service: try #require(ServiceID("s\(number)")), url: try ServiceURL("http://127.0.0.1:9"))
    }

    private func decision(_ version: Int64) -> SharedBreaker.Decision {
        SharedBreaker.Decision(phase: .open, version: version, generation: 1, trips: 1)
    }

    @Test func `are handed out once, when their instance is known`() throws {
        var early = EarlyDecisions()
        early.keep(self.decision(1), for: try self.key(1))
        early.keep(self.decision(2), for: try self.key(2))
        early.keep(self.decision(3), for: try self.key(1))
        #expect(early.take([try self.key(1), try self.key(3)]) == [try self.key(1): self.decision(3)])
        #expect(early.take([try self.key(1)]).isEmpty)
        #expect(early.all == [try self.key(2): self.decision(2)])
    }

    @Test func `make room for newer ones, the oldest first`() throws {
        var early = EarlyDecisions()
        let count = EarlyDecisions.countMax
        for number in 0...count { early.keep(self.decision(Int64(number)), for: try self.key(number)) }
        #expect(early.all.count == count)
        #expect(early.all[try self.key(0)] == nil)
        #expect(early.all[try self.key(count)] == self.decision(Int64(count)))
    }
}
