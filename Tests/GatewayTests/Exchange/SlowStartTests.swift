import Decisions
import Gateway
import ManagerTesting
import Registry
import Testing

/// What callers see of an instance that comes back after its breaker closed.
@Suite(.timeLimit(.minutes(5))) struct `An instance that comes back` {
    /// Runs a test in which `s0` of three instances has just come back.
    private func run(
        _ strategy: BalanceStrategy = .roundRobin,
        slowStart: Duration,
        _ body: (Setting) async throws -> Void
    ) async throws {
        let isWell = Flag()
        var stubs = [
            try await StubUpstream.start { _, _ in isWell.value ? [.send(StubUpstream.json("s0")), .next] : [.reset] }
        ]
        for name in ["s1", "s2"] {
            stubs.append(try await StubUpstream.start { _, _ in [.send(StubUpstream.json(name)), .next] })
        }
        try await Setting.run({
            $0.strategy = strategy
            $0.breaker = BreakerPolicy(failuresInRowMax: 1, cooldown: .milliseconds(100), slowStart: slowStart)
        }) { setting in
            setting.register(try stubs.enumerated().map { try Setting.service("s\($0)", at: $1.url) })
            #expect(
                try await eventually(within: .seconds(20)) {
                    _ = try await setting.predict()
                    return setting.news.all.contains { $0.phase == .open }
                }
            )
            isWell.set(true)
            #expect(
                try await eventually(within: .seconds(20)) {
                    _ = try await setting.predict()
                    return setting.state("s0")?.breaker == .closed
                }
            )
            try await body(setting)
        }
        for stub in stubs { await stub.stop() }
    }

    private func shares(_ setting: Setting, of count: Int) async throws -> [String: Int] {
        let caller = try await setting.caller()
        try await caller.send(String(repeating: Setting.request(), count: count))
        let answers = try await caller.answers(count, within: .seconds(30))
        await caller.close()
        return Dictionary(answers.map { ($0.body, 1) }, uniquingKeysWith: +)
    }

    private func reasons(_ setting: Setting) throws -> [String] {
        let model = try #require(ModelType("LSTM"))
        let explained = setting.plane.explain(modelType: model, version: .latest, capability: "prediction")
        return try #require(explained.candidates.first { $0.key.service.text == "s0" }).reasons
    }

    @Test(arguments: BalanceStrategy.allCases) func `gets a tenth of its share at first`(
        strategy: BalanceStrategy
    ) async throws {
        // So long that the tenth is one for hours.
        try await self.run(strategy, slowStart: .seconds(3_600_000)) { setting in
            let shares = try await self.shares(setting, of: 300)
            // Keys drawn by chance are the coarsest: 10 of 300, and six standard deviations. By latency it may get none.
            #expect(shares["s0", default: 0] <= 32, "\(shares)")
            #expect(strategy == .latency || shares["s0", default: 0] > 0, "\(shares)")
            let reasons = try self.reasons(setting)
            #expect(reasons.contains("breaker closed lately, takes 10 % of its share"), "\(reasons)")
        }
    }

    @Test func `leaves the turns that it declines to all others alike`() async throws {
        try await self.run(slowStart: .seconds(3600)) { setting in
            let shares = try await self.shares(setting, of: 300)
            // A tenth of its 100 turns, and what the tenth grows by in the seconds that a slow machine takes.
            #expect((9...12).contains(shares["s0", default: 0]), "\(shares)")
            #expect(abs(shares["s1", default: 0] - shares["s2", default: 0]) <= 2, "\(shares)")
        }
    }

    @Test func `has its whole share in the end`() async throws {
        try await self.run(slowStart: .milliseconds(500)) { setting in
            let isOver = try await eventually(within: .seconds(20)) {
                try !self.reasons(setting).contains { $0.contains("lately") }
            }
            #expect(isOver)
            let shares = try await self.shares(setting, of: 300)
            #expect(shares == ["s0": 100, "s1": 100, "s2": 100])
        }
    }

    @Test func `would have its whole share at once without a slow start`() async throws {
        try await self.run(slowStart: .zero) { setting in
            let shares = try await self.shares(setting, of: 300)
            #expect(shares == ["s0": 100, "s1": 100, "s2": 100])
        }
    }

    @Test func `takes all requests when the whole pool comes back`() async throws {
        let isWell = Flag()
        let stub = try await StubUpstream.start { _, _ in
            isWell.value ? [.send(StubUpstream.json("s0")), .next] : [.reset]
        }
        try await Setting.run({
            $0.breaker = BreakerPolicy(failuresInRowMax: 1, cooldown: .milliseconds(100), slowStart: .seconds(3600))
            $0.retriesMax = 0
        }) { setting in
            setting.register([try Setting.service("s0", at: stub.url)])
            _ = try await setting.predict()
            isWell.set(true)
            #expect(try await eventually(within: .seconds(20)) { try await setting.predict().status == 200 })
            let shares = try await self.shares(setting, of: 20)
            #expect(shares == ["s0": 20])
        }
        await stub.stop()
    }
}
