import ClusterState
import ManagerTesting
import RedisClient
import Registry
import Testing

@Suite struct `Commands about instances` {
    private func join(_ state: ClusterState, _ sessions: String...) async throws {
        for session in sessions {
            _ = try await state.beat(session, for: .seconds(60), sentAt: nil, Samples.status)
        }
    }

    @Test func `count outcomes of several instances, trip, and are read as they moved`() async throws {
        try await withState { state in
            let told = [try Samples.outcomes("a", successes: 3, failures: 2), try Samples.outcomes("b", failures: 5)]
            let receipt = try await state.reportOutcomes(told, policy: Samples.rules)
            #expect(receipt.replies.map(\.status) == [.watched, .tripped])
            #expect(receipt.replies.map(\.generation) == [0, 1])
            let reading = try await state.breakers(since: 0)
            #expect(reading.newest == receipt.newest)
            let sight = try #require(reading.moved.first)
            #expect(reading.moved.count == 1 && sight.instance == told[1].instance)
            #expect(sight.phase == .open && sight.generation == 1 && sight.trips == 1)
            #expect((.seconds(50)...(.seconds(70))).contains(sight.retryIn))
            #expect(try await state.breakers(since: reading.newest).moved.isEmpty)
            let late = try await state.reportOutcomes([told[1]], policy: Samples.rules)
            #expect(late.replies.map(\.status) == [.late])
        }
    }

    @Test func `tell whether failures are fresh`() async throws {
        try await withState { state in
            var statuses: [OutcomeReceipt.Status] = []
            for failures in [0, 1, 0] {
                let told = try Samples.outcomes("a", successes: 3, failures: failures)
                statuses += try await state.reportOutcomes([told], policy: Samples.rules).replies.map(\.status)
            }
            #expect(statuses == [.counted, .watched, .watched])
        }
    }

    @Test func `hand out a probe and end it`() async throws {
        try await withState { state in
            try await self.join(state, "r1.a", "r2.a")
            let quick = Duration.milliseconds(1)
            let rules = BreakerRules(failuresInRowMax: 5, failureRatioMax: 0.5, cooldown: quick, probesMax: 1)
            let told = try Samples.outcomes("a", failures: 5)
            let probe = ProbeName(instance: told.instance, session: "r1.a", number: 1)
            #expect(
                try await state.askForProbe(probe, policy: rules, ttl: .seconds(9), waits: false)
                    == .closed(generation: 0)
            )
            _ = try await state.reportOutcomes([told], policy: rules)
            let reply = try await eventually(within: .seconds(10)) {
                try await state.askForProbe(probe, policy: rules, ttl: .seconds(9), waits: false) == .granted
            }
            #expect(reply)
            let other = ProbeName(instance: told.instance, session: "r2.a", number: 1)
            #expect(try await state.askForProbe(other, policy: rules, ttl: .seconds(9), waits: true) == .taken)
            try await state.endProbe(probe, .success, policy: rules)
            #expect(try await state.breakers(since: 0).moved.map(\.phase) == [.closed])
            let lapsed = ProbeName(instance: told.instance, session: "r3.a", number: 1)
            #expect(try await state.askForProbe(lapsed, policy: rules, ttl: .seconds(9), waits: true) == .lapsed)
            try await state.forgetBreakers(of: [told.instance])
            #expect(try await state.breakers(since: 0).moved.isEmpty)
        }
    }

    @Test func `give a turn once per interval, take findings, and show what is known`() async throws {
        try await withState { state in
            try await self.join(state, "r1.a", "r2.a")
            let instance = try Samples.instance("a")
            #expect(try await state.claimProbes([instance], interval: .seconds(60)) == [.zero])
            #expect(try await state.claimProbes([instance], interval: .seconds(60))[0] > .seconds(50))
            let well = ToldFinding(instance: instance, kind: .well, latency: .microseconds(1500), error: nil)
            let refused = ToldFinding(instance: instance, kind: .no, latency: nil, error: "status 500")
            #expect(try await state.reportFindings([well], by: "r1", interval: .seconds(60)) == [.changed])
            #expect(try await state.reportFindings([refused], by: "r1", interval: .seconds(60)) == [.suspected])
            #expect(try await state.reportFindings([well], by: "r2", interval: .seconds(60)) == [.dismissed])
            let reading = try await state.verdicts(since: 0)
            let sight = try #require(reading.changed.first)
            #expect(sight.verdict == .healthy && sight.unreachableFrom.keys.sorted() == ["r1"])
            #expect(try await state.verdicts(since: reading.newest).changed.isEmpty)
            #expect(try await state.reportFindings([refused], by: "r2", interval: .seconds(60)) == [.suspected])
            #expect(try await state.reportFindings([refused], by: "r1", interval: .seconds(60)) == [.changed])
            let records = try await state.health(of: [instance, try Samples.instance("b")])
            let record = try #require(records[0])
            #expect(records.count == 2 && records[1] == nil)
            #expect(record.verdict == .unhealthy && record.checkedBy == "r1" && record.latency == nil)
            #expect(record.error == "status 500 (r2: status 500)")
            #expect(record.history.map(\.to) == [.unhealthy, .healthy])
            #expect(record.history.map(\.replica) == ["r1", "r1"])
            try await state.forgetHealth(of: [instance])
            #expect(try await state.health(of: [instance]) == [nil])
        }
    }
}
