import Decisions
import Registry
import Testing

@Suite struct `The ledger of traffic` {
    @Test func `tells what is new, and nothing twice`() throws {
        var ledger = TrafficLedger()
        let first = ledger.draft([try traffic(5, 1)], epoch: Epoch(1))
        #expect(first.rows == [try traffic(5, 1)])
        ledger.counted()
        #expect(ledger.draft([try traffic(5, 1)], epoch: Epoch(1)).rows == [], "nothing new")
        ledger.counted()
        let third = ledger.draft([try traffic(8, 0)], epoch: Epoch(2))
        #expect(third.rows == [try traffic(3, 0)])
        #expect(third.number == 3)
    }

    @Test func `repeats a report of unknown fate as it was`() throws {
        var ledger = TrafficLedger()
        let first = ledger.draft([try traffic(5, 1)], epoch: Epoch(1))
        #expect(ledger.draft([try traffic(9, 0)], epoch: Epoch(2)) == first)
        ledger.counted()
        #expect(ledger.draft([try traffic(9, 0)], epoch: Epoch(2)).rows == [try traffic(4, 0)])
    }

    @Test func `tells again under a new session what is in flight`() throws {
        var ledger = TrafficLedger()
        _ = ledger.draft([try traffic(5, 1)], epoch: Epoch(1))
        ledger.counted()
        _ = ledger.draft([try traffic(6, 1)], epoch: Epoch(1))
        ledger.lapsed()
        #expect(ledger.draft([try traffic(6, 1)], epoch: Epoch(1)).rows == [try traffic(1, 1)])
    }

    private func traffic(_ requests: Int64, _ inFlight: Int) throws -> VersionTraffic {
        VersionTraffic(
            type: try #require(ModelType("LSTM")),
            version: try #require(ModelVersion("v1")),
            requests: requests,
            inFlight: inFlight
        )
    }
}
