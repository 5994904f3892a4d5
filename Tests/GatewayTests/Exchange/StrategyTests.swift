import Decisions
import Gateway
import ManagerTesting
import NIOCore
import Registry
import Testing

/// What callers see of each strategy: who answered, through sockets. Every service answers with its own id.
@Suite(.timeLimit(.minutes(5))) struct `Requests through a strategy` {
    /// Runs a test with services `s0`, `s1`, … that answer at once, but for those that a script says otherwise of.
    private func run(
        _ strategy: BalanceStrategy,
        weights: [Int] = [100, 100, 100],
        slow: [Int: [StubUpstream.Step]] = [:],
        _ body: (Setting, [StubUpstream]) async throws -> Void
    ) async throws {
        var stubs: [StubUpstream] = []
        for number in weights.indices {
            let delay = slow[number] ?? []
            stubs.append(
                try await StubUpstream.start { _, _ in delay + [.send(StubUpstream.json("s\(number)")), .next] }
            )
        }
        try await Setting.run({ $0.strategy = strategy }) { setting in
            setting.register(try Self.services(stubs, weights))
            try await body(setting, stubs)
        }
        for stub in stubs { await stub.stop() }
    }

    private static func services(_ stubs: [StubUpstream], _ weights: [Int]) throws -> [ServiceDefinition] {
        try zip(stubs, weights).enumerated().map { number, pair in
            try Setting.service("s\(number)", at: pair.0.url) { $0.weight = pair.1 }
        }
    }

    /// Who answered so many requests, one after the other.
    private func servers(_ setting: Setting, _ count: Int, headers: String = "") async throws -> [String] {
        let caller = try await setting.caller()
        try await caller.send(String(repeating: Setting.request(headers: headers), count: count))
        let answers = try await caller.answers(count, within: .seconds(30))
        await caller.close()
        for answer in answers {
            #expect(answer.status == 200)
            #expect(answer["x-mm-service"] == answer.body)
        }
        return answers.map(\.body)
    }

    private func shares(_ servers: [String]) -> [String: Int] {
        Dictionary(servers.map { ($0, 1) }, uniquingKeysWith: +)
    }

    /// Six standard deviations of a third of 300: a fair draw is outside once in some hundred million runs.
    private func expectFair(_ servers: [String]) {
        let shares = self.shares(servers)
        #expect(shares.count == 3)
        for share in shares.values { #expect((51...149).contains(share), "\(shares)") }
    }

    @Test func `round_robin gives each its turn`() async throws {
        try await self.run(.roundRobin) { setting, _ in
            let servers = try await self.servers(setting, 30)
            #expect(servers == (0..<30).map { "s\($0 % 3)" })
        }
    }

    @Test func `weighted_round_robin gives each its weight, evenly mixed`() async throws {
        try await self.run(.weightedRoundRobin, weights: [100, 200, 300]) { setting, _ in
            let servers = try await self.servers(setting, 60)
            #expect(self.shares(servers) == ["s0": 10, "s1": 20, "s2": 30])
            for start in stride(from: 0, to: 60, by: 6) {
                #expect(self.shares(Array(servers[start..<(start + 6)])) == ["s0": 1, "s1": 2, "s2": 3])
            }
        }
    }

    @Test(arguments: [BalanceStrategy.leastRequests, .powerOfTwo])
    func `least_requests and power_of_two leave alone who is busy`(strategy: BalanceStrategy) async throws {
        try await self.run(strategy, slow: [0: [.hold]]) { setting, stubs in
            // Callers come until the slow one holds a request; who answers at once never has one.
            var held: [Caller] = []
            while stubs[0].requests.isEmpty, held.count < 200 {
                let caller = try await setting.caller()
                held.append(caller)
                try await caller.send(Setting.request())
                _ = try await eventually(within: .seconds(10)) {
                    !caller.received.isEmpty || !stubs[0].requests.isEmpty
                }
            }
            let shares = self.shares(try await self.servers(setting, 60))
            #expect(Set(shares.keys) == ["s1", "s2"])
            #expect(stubs[0].requests.count == 1)
            for caller in held { await caller.close() }
        }
    }

    @Test(arguments: [BalanceStrategy.random, .powerOfTwo])
    func `random and power_of_two draw fairly among the idle`(strategy: BalanceStrategy) async throws {
        try await self.run(strategy) { setting, _ in self.expectFair(try await self.servers(setting, 300)) }
    }

    @Test func `latency avoids who is slow`() async throws {
        try await self.run(.latency, slow: [1: [.pause(.seconds(1))]]) { setting, _ in
            let shares = self.shares(try await self.servers(setting, 120))
            #expect((shares["s1"] ?? 0) < 12, "\(shares)")
            #expect(Set(shares.keys).isSuperset(of: ["s0", "s2"]))
        }
    }

    @Test func `consistent_hash keeps a key where it is, and moves only the keys of who leaves`() async throws {
        try await self.run(.consistentHash) { setting, stubs in
            let services = try Self.services(stubs, [100, 100, 100])
            let keys = (0..<40).map { "caller-\($0)" }
            func homes() async throws -> [String] {
                var homes: [String] = []
                for key in keys {
                    let servers = try await self.servers(setting, 3, headers: "x-mm-hash-key: \(key)\r\n")
                    #expect(Set(servers).count == 1)
                    homes.append(servers[0])
                }
                return homes
            }
            let before = try await homes()
            #expect(Set(before) == ["s0", "s1", "s2"])
            setting.register([services[0], services[2]])
            let without = try await homes()
            for (old, new) in zip(before, without) { #expect(old == new || old == "s1") }
            #expect(Set(without) == ["s0", "s2"])
            setting.register(services)
            #expect(try await homes() == before)
        }
    }

    @Test func `consistent_hash without a key draws among all`() async throws {
        try await self.run(.consistentHash) { setting, _ in self.expectFair(try await self.servers(setting, 300)) }
    }

    @Test(arguments: BalanceStrategy.allCases)
    func `fails over whatever the strategy`(strategy: BalanceStrategy) async throws {
        try await self.run(strategy) { setting, stubs in
            await stubs[1].kill()
            let servers = try await self.servers(setting, 20, headers: "x-mm-hash-key: k\r\n")
            #expect(!servers.contains("s1"))
        }
    }
}
