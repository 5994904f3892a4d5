import Decisions
import Gateway
import ManagerTesting
import Registry
import Testing

@Suite struct `What replicas share` {
    private func withStubs(
        _ count: Int,
        loops: Int = 1,
        _ adjust: (inout DataPlaneSettings) -> Void = { _ in },
        _ body: (Setting) async throws -> Void
    ) async throws {
        var stubs: [StubUpstream] = []
        for number in 0..<count { stubs.append(try await StubUpstream.answering(StubUpstream.json("\(number)"))) }
        try await Setting.run(loops: loops, adjust) { setting in
            setting.plane.connectReservers(permits: {}, tickets: {})
            setting.register(try stubs.enumerated().map { try Setting.service("s\($0)", at: $1.url) })
            try await body(setting)
        }
        for stub in stubs { await stub.stop() }
    }

    private func bodies(_ count: Int, _ setting: Setting) async throws -> String {
        var bodies = ""
        for _ in 0..<count { bodies += try await setting.predict().body }
        return bodies
    }

    @Test func `tickets: one is asked for before the first request, and the instances take turns by them`() async throws
    {
        try await self.withStubs(3) { (setting) async throws -> Void in
            let needs = setting.plane.ticketNeeds()
            #expect(needs.map(\.pool).sorted() == ["LSTM/default/prediction", "LSTM/default/training"])
            #expect(needs.map(\.count) == [1, 1])
            setting.plane.grantTickets(pool: "LSTM/default/prediction", first: 7, count: 1)
            #expect(setting.plane.ticketNeeds().isEmpty, "each pool once")
            #expect(try await self.bodies(1, setting) == "1", "ticket 7 of three")
            #expect(setting.plane.ticketNeeds().map(\.pool) == ["LSTM/default/prediction"])
            setting.plane.grantTickets(pool: "LSTM/default/prediction", first: 11, count: 4)
            #expect(try await self.bodies(4, setting) == "2012")
        }
    }

    @Test func `tickets: nobody waits for one, and what was borrowed is repaid`() async throws {
        try await self.withStubs(4) { (setting) async throws -> Void in
            #expect(try await self.bodies(2, setting) == "01")
            _ = setting.plane.ticketNeeds()
            setting.plane.grantTickets(pool: "LSTM/default/prediction", first: 100, count: 4)
            #expect(try await self.bodies(2, setting) == "23")
        }
    }

    @Test func `tickets: strategies that need none, and pools of one, ask for none`() async throws {
        try await self.withStubs(3, { $0.strategy = .random }) { setting in
            _ = try await self.bodies(3, setting)
            #expect(setting.plane.ticketNeeds().isEmpty)
        }
        try await self.withStubs(1) { setting in
            _ = try await self.bodies(3, setting)
            #expect(setting.plane.ticketNeeds().isEmpty)
        }
    }

    @Test func `tickets: two loops never take the same one`() async throws {
        try await self.withStubs(3, loops: 2) { setting in
            _ = setting.plane.ticketNeeds()
            setting.plane.grantTickets(pool: "LSTM/default/prediction", first: 0, count: 300)
            let all = try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<10 { group.addTask { try await self.bodies(30, setting) } }
                return try await group.reduce(into: "") { $0 += $1 }
            }
            for digit in "012" { #expect(all.filter { $0 == digit }.count == 100) }
        }
    }

    @Test func `retries: what the others made counts, and so do their requests`() async throws {
        let bad = try await StubUpstream.start { _, _ in [.reset] }
        let good = try await StubUpstream.answering(StubUpstream.json("{}"))
        try await Setting.run { setting in
            setting.register([try Setting.service("a", at: bad.url), try Setting.service("b", at: good.url)])
            setting.plane.heardTraffic(.init(requests: 0, retries: 30), others: 1)
            var statuses: Set<Int> = []
            for _ in 0..<2 { statuses.insert(try await setting.predict().status) }
            #expect(statuses == [502, 200], "the jar is empty")
            #expect(await setting.plane.statistics().retriesRefusedByBudget == 1)
            setting.plane.heardTraffic(.init(requests: 1000, retries: 0), others: 1)
            for _ in 0..<2 { #expect(try await setting.predict().status == 200) }
            #expect(setting.plane.retryCounts.retries == 1)
        }
        await bad.stop()
        await good.stop()
    }
}
