import Decisions
import Registry
import Testing

@Suite struct `A draining version` {
    typealias Holder = RetirementMachine.Holder

    static let epoch = Epoch(9)

    static let cases: [(holders: [Holder], clock: Int64, action: RetirementMachine.Action)] = [
        ([], 0, .unload(left: 0)),
        ([Holder(replica: "r1", epoch: epoch, inFlight: 0)], 0, .unload(left: 0)),
        ([Holder(replica: "r1", epoch: epoch, inFlight: 1)], 99, .wait),
        ([Holder(replica: "r1", epoch: epoch, inFlight: 1)], 100, .unload(left: 1)),
        // What it counted came before it knew: it may begin one more.
        ([Holder(replica: "r1", epoch: Epoch(8), inFlight: 0)], 99, .wait),
        (
            [Holder(replica: "r1", epoch: epoch, inFlight: 0), Holder(replica: "r2", epoch: .zero, inFlight: 0)], 0,
            .wait
        ),
        (
            [Holder(replica: "r1", epoch: epoch, inFlight: 2), Holder(replica: "r2", epoch: epoch, inFlight: 3)], 100,
            .unload(left: 5)
        ),
    ]

    @Test(arguments: cases)
    func `has nobody left when every live replica says so, or the time is up`(
        one: (holders: [Holder], clock: Int64, action: RetirementMachine.Action)
    ) {
        let action = RetirementMachine.decide(one.holders, since: Self.epoch, leaseClock: one.clock, deadline: 100)
        #expect(action == one.action)
    }
}
