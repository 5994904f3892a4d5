import ManagerTesting
import RedisClient
import Testing

@Suite struct `A shared breaker` {
    private let instance = "a@http://a:1"

    /// What one replica saw, told as breaker_report wants it.
    private func told(
        _ bench: FunctionBench,
        _ instance: String? = nil,
        pool: Int = 1,
        generation: Int = 0,
        good: Int = 0,
        bad: Int = 0,
        trailing: Int? = nil,
        cooldown: Int = 1000
    ) async throws -> String {
        let numbers = [pool, generation, good, bad, trailing ?? bad].map { String($0) }
        let arguments = ["r1", "5", "0.5", String(cooldown), instance ?? self.instance, "pool"] + numbers
        return texts(try await bench.call("breaker_report", arguments))[1]
    }

    /// State, generation and trips, as every replica reads them.
    private func state(_ bench: FunctionBench, _ instance: String? = nil) async throws -> String {
        let name = instance ?? self.instance
        let reply = try await bench.call("breaker_read", "0").dropFirst().compactMap { $0.array }
        let found = reply.map { texts($0) }.first { $0[0] == name }
        return found.map { "\($0[1]) \($0[3]) \($0[4])" } ?? "none"
    }

    private func retryIn(_ bench: FunctionBench) async throws -> Int {
        let reply = try await bench.call("breaker_read", "0")
        return Int(texts(try #require(reply[1].array))[6]) ?? -1
    }

    private func probe(_ bench: FunctionBench, _ session: String, _ number: Int = 1, max: Int = 1, waits: Bool = true)
        async throws -> [String]
    {
        let terms = [String(number), String(max), "5000", "1000", waits ? "1" : "0"]
        return texts(try await bench.call("breaker_probe", [self.instance, session] + terms))
    }

    private func end(_ bench: FunctionBench, _ session: String, _ outcome: String, _ number: Int = 1) async throws
        -> String
    {
        try await bench.told("breaker_probe_end", self.instance, session, String(number), outcome, "1000")[0]
    }

    /// Two replicas, a registered service for each instance, and a clock that the test sets.
    private func run(_ body: (FunctionBench) async throws -> Void) async throws {
        try await FunctionBench.run(isClockManual: true) { bench in
            try await bench.setClock(seconds: 1000)
            for session in ["r1.a", "r2.a"] { try await bench.call("session_beat", session, "6000", "open") }
            for service in ["a", "b", "c", "d"] { try await bench.register(service) }
            try await body(bench)
        }
    }

    /// Moves time on in steps that the lease clock follows; the sessions named go on living.
    private func pass(_ seconds: ClosedRange<Int>, _ bench: FunctionBench, living: [String] = ["r1.a", "r2.a"])
        async throws
    {
        for second in seconds {
            try await bench.setClock(seconds: second)
            for session in living { try await bench.call("session_beat", session, "6000", FunctionBench.now) }
            if living.isEmpty { try await bench.call("session_beat", "r9.\(second)", "6000", "open") }
        }
    }

    @Test func `trips when the failures of all replicas add up, and tells`() async throws {
        try await self.run { (bench: FunctionBench) async throws -> Void in
            #expect(try await self.told(bench, good: 4) == "counted")
            #expect(try await self.told(bench, bad: 3) == "watched")
            #expect(try await self.told(bench, bad: 2) == "tripped")
            #expect(try await self.state(bench) == "open 1 1")
            #expect(try await bench.signals().contains(where: { $0.hasPrefix("breaker ") }))
            #expect(try await self.told(bench, bad: 9) == "late", "it has tripped already")
        }
    }

    @Test func `counts failures in a row from the last success of any replica`() async throws {
        try await self.run { (bench: FunctionBench) async throws -> Void in
            #expect(try await self.told(bench, bad: 4) == "watched")
            #expect(try await self.told(bench, good: 9, bad: 1, trailing: 1) == "watched")
            #expect(try await self.told(bench, bad: 3) == "watched")
            #expect(try await self.told(bench, bad: 1) == "tripped")
        }
    }

    @Test func `trips on the failed share of at least ten requests within ten seconds`() async throws {
        try await self.run { (bench: FunctionBench) async throws -> Void in
            #expect(try await self.told(bench, good: 2, bad: 4, trailing: 0) == "watched")
            try await self.pass(1001...1011, bench)
            #expect(try await self.told(bench, good: 1, bad: 4, trailing: 0) == "watched", "the old ones have gone")
            #expect(try await self.told(bench, good: 4, bad: 1, trailing: 0) == "tripped", "5 of 10")
        }
    }

    @Test(arguments: [(1, 1), (2, 1), (3, 1), (4, 2)]) func `takes out half of a pool and no more`(
        size: Int,
        most: Int
    ) async throws {
        try await self.run { (bench: FunctionBench) async throws -> Void in
            var statuses: [String] = []
            for service in ["a", "b", "c", "d"].prefix(size) {
                statuses.append(try await self.told(bench, "\(service)@http://\(service):1", pool: size, bad: 5))
            }
            #expect(statuses.count { $0 == "tripped" } == most)
            #expect(statuses.count { $0 == "held" } == size - most)
        }
    }

    @Test func `does not count members that left the registry against the bound`() async throws {
        try await self.run { (bench: FunctionBench) async throws -> Void in
            #expect(try await self.told(bench, "b@http://b:1", pool: 2, bad: 5) == "tripped")
            #expect(try await self.told(bench, pool: 2, bad: 5) == "held")
            try await bench.call("service_remove", "b", "0", "", "test", "")
            #expect(try await self.told(bench, pool: 2, bad: 1) == "tripped")
        }
    }

    @Test func `hands out so many probes after the cooldown, and not before`() async throws {
        try await self.run { (bench: FunctionBench) async throws -> Void in
            _ = try await self.told(bench, bad: 5)
            #expect(try await self.probe(bench, "r1.a")[0] == "open")
            try await self.pass(1001...1002, bench)
            #expect(try await self.probe(bench, "r1.a") == ["granted"])
            #expect(try await self.probe(bench, "r1.a") == ["granted"], "the same question again")
            #expect(try await self.state(bench) == "half_open 1 1")
            #expect(try await self.probe(bench, "r2.a", waits: false) == ["taken"])
            #expect(try await bench.signals().contains("probe_wanted \(self.instance) r2.a") == false)
            #expect(try await self.probe(bench, "r2.a") == ["taken"])
            #expect(try await bench.signals().last == "probe_wanted \(self.instance) r2.a")
            #expect(try await self.probe(bench, "r2.a", max: 2) == ["granted"])
            #expect(try await self.probe(bench, "r3.a") == ["lapsed"])
        }
    }

    @Test func `closes on a success only, opens on a failure for twice as long`() async throws {
        try await self.run { (bench: FunctionBench) async throws -> Void in
            _ = try await self.told(bench, bad: 5)
            #expect((900...1100).contains(try await self.retryIn(bench)))
            try await self.pass(1001...1002, bench)
            _ = try await self.probe(bench, "r1.a")
            #expect(try await self.end(bench, "r1.a", "neutral") == "half_open")
            #expect(try await bench.signals().last == "probe_free \(self.instance) r1.a")
            _ = try await self.probe(bench, "r2.a", 7)
            #expect(try await self.end(bench, "r2.a", "success", 8) == "unknown")
            #expect(try await self.end(bench, "r2.a", "failure", 7) == "open")
            #expect((1800...2200).contains(try await self.retryIn(bench)))
            try await self.pass(1003...1005, bench)
            _ = try await self.probe(bench, "r1.a", 2)
            #expect(try await self.end(bench, "r1.a", "success", 2) == "closed")
            #expect(try await self.end(bench, "r1.a", "failure", 2) == "unknown", "a late repetition")
            #expect(try await self.state(bench) == "closed 2 2")
            #expect(try await self.told(bench, generation: 1, bad: 9) == "late", "admitted before the last trip")
            #expect(try await self.told(bench, generation: 2, bad: 1) == "watched")
        }
    }

    @Test func `doubles the cooldown up to ten times, and forgets a trip with every calm minute`() async throws {
        try await self.run { (bench: FunctionBench) async throws -> Void in
            _ = try await self.told(bench, bad: 5)
            var second = 1001
            for trip in 1...5 {
                let wait = try await self.retryIn(bench)
                #expect(abs(wait - 1000 * min(10, 1 << (trip - 1))) <= 100 * min(10, 1 << (trip - 1)), "trip \(trip)")
                try await self.pass(second...(second + 12), bench)
                second += 13
                _ = try await self.probe(bench, "r1.a", trip)
                #expect(try await self.end(bench, "r1.a", trip < 5 ? "failure" : "success", trip) != "unknown")
            }
            try await self.pass(second...(second + 125), bench)
            #expect(try await self.state(bench) == "closed 5 3")
        }
    }

    @Test func `gives the probe of a dead session to another, and only then`() async throws {
        try await self.run { (bench: FunctionBench) async throws -> Void in
            _ = try await self.told(bench, bad: 5)
            try await self.pass(1001...1002, bench)
            #expect(try await self.probe(bench, "r1.a") == ["granted"])
            try await self.pass(1003...1006, bench, living: ["r2.a"])
            #expect(try await self.probe(bench, "r2.a") == ["taken"])
            try await self.pass(1007...1009, bench, living: ["r2.a"])
            #expect(try await self.probe(bench, "r2.a") == ["granted"])
            #expect(try await self.end(bench, "r1.a", "failure") == "unknown", "it comes too late to matter")
            #expect(try await self.end(bench, "r2.a", "success") == "closed")
        }
    }

    @Test func `gives no probe to a session that lapses within a second`() async throws {
        try await self.run { bench in
            #expect(try await self.told(bench, bad: 5) == "tripped")
            try await self.pass(1001...1003, bench)
            try await bench.call("session_beat", "r3.a", "1000", "open")
            #expect(try await self.probe(bench, "r3.a") == ["taken"])
            try await bench.call("session_beat", "r3.a", "1001", FunctionBench.now)
            #expect(try await self.probe(bench, "r3.a") == ["granted"])
        }
    }

    @Test func `takes a probe that its living owner never ended for a failure`() async throws {
        try await self.run { (bench: FunctionBench) async throws -> Void in
            _ = try await self.told(bench, bad: 5)
            try await self.pass(1001...1002, bench)
            _ = try await self.probe(bench, "r1.a")
            try await self.pass(1003...1008, bench)
            #expect(try await self.probe(bench, "r2.a")[0] == "open")
            #expect(try await self.state(bench) == "open 2 2")
        }
    }

    @Test(arguments: [3600, -3600]) func `neither ends nor freezes a cooldown when the wall clock is set`(step: Int)
        async throws
    {
        try await self.run { (bench: FunctionBench) async throws -> Void in
            _ = try await self.told(bench, bad: 5, cooldown: 4000)
            try await bench.setClock(seconds: 1000 + step)
            #expect(try await self.probe(bench, "r1.a")[0] == "open")
            var seconds = 0
            while try await self.probe(bench, "r1.a")[0] == "open", seconds < 20 {
                seconds += 1
                try await self.pass((1000 + step + seconds)...(1000 + step + seconds), bench)
            }
            #expect((2...5).contains(seconds))
        }
    }

    @Test func `lets a reader go on from where it was, and forgets what is gone`() async throws {
        try await self.run { (bench: FunctionBench) async throws -> Void in
            _ = try await self.told(bench, pool: 4, bad: 5)
            let first = try await bench.call("breaker_read", "0")
            let version = try #require(first[0].string)
            #expect(first.count == 2)
            #expect(try await bench.call("breaker_read", version).count == 1)
            _ = try await self.told(bench, "b@http://b:1", pool: 4, bad: 5)
            #expect(try await bench.call("breaker_read", version).count == 2)
            try await bench.call("breaker_forget", self.instance, "b@http://b:1")
            #expect(try await bench.call("breaker_read", "0").count == 1)
            #expect(try await bench.send("KEYS", bench.prefix + "breaker:*").array?.isEmpty == true)
            #expect(try await bench.send("EXISTS", bench.prefix + "ejected:pool").integer == 0)
        }
    }
}
