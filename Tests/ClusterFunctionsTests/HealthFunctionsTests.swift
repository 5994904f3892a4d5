import ManagerTesting
import RedisClient
import Testing

@Suite struct `Shared health` {
    private let instance = "a@http://a:1"

    private func found(_ bench: FunctionBench, _ replica: String, _ finding: String, _ error: String = "")
        async throws -> String
    {
        try await bench.told("health_report", replica, "1000", self.instance, finding, "1500", error)[0]
    }

    /// Verdict and who cannot reach the instance, as every replica reads them.
    private func verdict(_ bench: FunctionBench) async throws -> String {
        let reply = try await bench.call("health_read", "0")
        guard let sight = reply.last?.array else { return "none" }
        let unreachable = texts(sight[3].array ?? [])
        return ([texts(sight)[1]] + stride(from: 0, to: unreachable.count, by: 2).map { unreachable[$0] })
            .joined(separator: " ")
    }

    private func run(
        replicas: [String],
        edits: [(String, String)] = [],
        _ body: (FunctionBench) async throws -> Void
    ) async throws {
        try await FunctionBench.run(isClockManual: true, edits: edits) { bench in
            try await bench.setClock(seconds: 1000)
            for replica in replicas { try await bench.call("session_beat", replica + ".a", "60000", "open") }
            try await body(bench)
        }
    }

    @Test func `gives each instance's turn once per interval, whoever asks`() async throws {
        try await self.run(replicas: ["r1"]) { (bench: FunctionBench) async throws -> Void in
            #expect(try await bench.told("health_claim", "1000", self.instance, "b@http://b:1") == ["0", "0"])
            #expect(try await bench.told("health_claim", "1000", self.instance) == ["1000"])
            try await bench.setClock(seconds: 1000, microseconds: 900_000)
            #expect(try await bench.told("health_claim", "1000", self.instance) == ["100"])
            try await bench.setClock(seconds: 1001)
            #expect(try await bench.told("health_claim", "1000", self.instance) == ["0"])
        }
    }

    @Test func `would give a turn to everybody who asks, if none was written down`() async throws {
        let noted = ("redis.call('HSET', key, 'due', text(clock + interval_ms))", "left = 0")
        try await self.run(replicas: ["r1", "r2"], edits: [noted]) { (bench: FunctionBench) async throws -> Void in
            for _ in 0..<2 { #expect(try await bench.told("health_claim", "1000", self.instance) == ["0"]) }
        }
    }

    @Test(arguments: [3600, -3600]) func `keeps the turns when the wall clock is set`(step: Int) async throws {
        try await self.run(replicas: ["r1"]) { (bench: FunctionBench) async throws -> Void in
            _ = try await bench.told("health_claim", "10000", self.instance)
            try await bench.setClock(seconds: 1000 + step)
            #expect(try await bench.told("health_claim", "10000", self.instance) != ["0"])
            var seconds = 0
            while try await bench.told("health_claim", "10000", self.instance) != ["0"], seconds < 30 {
                seconds += 1
                try await bench.setClock(seconds: 1000 + step + seconds)
            }
            #expect((8...11).contains(seconds))
        }
    }

    @Test(arguments: [
        (["well"], "healthy"), (["no"], "unhealthy"), (["silence", "silence"], "none"),
        (["well", "silence", "silence"], "healthy"), (["well", "silence", "silence", "silence"], "unhealthy"),
        (["no", "well"], "unhealthy"), (["no", "well", "well"], "healthy"), (["unresolved", "unresolved"], "none"),
        (["well", "unresolved", "unresolved", "unresolved"], "unhealthy"),
    ]) func `follows the rules of the probe machine while one replica is alone`(
        findings: [String],
        verdict: String
    ) async throws {
        try await self.run(replicas: ["r1"]) { (bench: FunctionBench) async throws -> Void in
            for finding in findings { _ = try await self.found(bench, "r1", finding) }
            #expect(try await self.verdict(bench) == verdict)
        }
    }

    @Test func `asks another replica before it calls an instance down`() async throws {
        try await self.run(replicas: ["r1", "r2"]) { (bench: FunctionBench) async throws -> Void in
            #expect(try await self.found(bench, "r1", "well") == "changed")
            #expect(try await self.found(bench, "r1", "no", "connect_refused") == "suspected")
            #expect(try await self.verdict(bench) == "healthy")
            #expect(try await bench.signals().last == "second_opinion \(self.instance) r1")
            #expect(try await self.found(bench, "r2", "silence", "timeout") == "changed")
            #expect(try await self.verdict(bench) == "unhealthy")
            let shown = try await bench.call("health_show", self.instance)
            let history = texts(try #require(shown[0].array?[1].array))
            #expect(history.first?.hasSuffix("healthy unhealthy r2 timeout (r1: connect_refused)") == true)
            #expect(history.count == 2)
        }
    }

    @Test func `believes a replica that finds the same again when nobody else looked`() async throws {
        try await self.run(replicas: ["r1", "r2"]) { (bench: FunctionBench) async throws -> Void in
            _ = try await self.found(bench, "r1", "well")
            #expect(try await self.found(bench, "r1", "no") == "suspected")
            #expect(try await self.found(bench, "r1", "no") == "changed")
            #expect(try await self.verdict(bench) == "unhealthy")
        }
    }

    @Test func `keeps apart what only one replica cannot reach, until it can or time has passed`() async throws {
        try await self.run(replicas: ["r1", "r2"]) { (bench: FunctionBench) async throws -> Void in
            _ = try await self.found(bench, "r1", "well")
            _ = try await self.found(bench, "r1", "no")
            #expect(try await self.found(bench, "r2", "well") == "dismissed")
            #expect(try await self.verdict(bench) == "healthy r1")
            #expect(try await self.found(bench, "r1", "well") == "same")
            #expect(try await self.verdict(bench) == "healthy")
            _ = try await self.found(bench, "r1", "no")
            #expect(try await self.found(bench, "r2", "well") == "dismissed")
            for second in 1001...1004 {
                try await bench.setClock(seconds: second)
                _ = try await bench.told("health_claim", "1000", self.instance)
            }
            #expect(try await self.verdict(bench) == "healthy", "three intervals have passed")
        }
    }

    @Test func `does not wait for a replica that is leaving`() async throws {
        try await self.run(replicas: ["r1"]) { (bench: FunctionBench) async throws -> Void in
            try await bench.call("session_beat", "r2.a", "60000", "open", "leaving", "true")
            #expect(try await self.found(bench, "r1", "no") == "changed")
        }
    }

    @Test func `keeps the last twenty changes, and forgets an instance that is gone`() async throws {
        try await self.run(replicas: ["r1"]) { (bench: FunctionBench) async throws -> Void in
            for _ in 0..<15 {
                for finding in ["no", "well", "well"] { _ = try await self.found(bench, "r1", finding) }
            }
            let history = bench.prefix + "health-history:" + self.instance
            #expect(try await bench.send("LLEN", history).integer == 20)
            #expect(try await bench.told("health_forget", self.instance) == ["forgotten", "1"])
            #expect(try await bench.send("EXISTS", history, bench.prefix + "health:" + self.instance).integer == 0)
            #expect(try await self.verdict(bench) == "none")
        }
    }
}
