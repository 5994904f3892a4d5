import ManagerTesting
import RedisClient
import Testing

/// The wall clock of Redis is set by hand here.
@Suite struct `The lease clock` {
    @Test func `ends a lease after its time, and a heartbeat before that keeps it`() async throws {
        try await FunctionBench.run(isClockManual: true) { bench in
            try await bench.setClock(seconds: 1000)
            try await bench.register("a", lease: "3")
            try await bench.register("b", lease: "3")
            try await bench.register("c")
            for second in 1001...1002 {
                try await bench.setClock(seconds: second)
                #expect(try await bench.told("services_expire", "10", "t").isEmpty)
            }
            #expect(try await bench.told("service_heartbeat", "b") == ["renewed", "3"])
            #expect(try await bench.told("service_heartbeat", "c") == ["unlimited"])
            try await bench.setClock(seconds: 1003)
            #expect(try await bench.told("services_expire", "10", "t") == ["a"])
            #expect(try await bench.told("service_heartbeat", "a") == ["absent"])
            #expect(try await bench.meta("count") == "2")
        }
    }

    @Test func `is not written by the sweep while no service has a lease`() async throws {
        try await FunctionBench.run(isClockManual: true) { bench in
            try await bench.setClock(seconds: 1000)
            try await bench.register("a")
            #expect(try await bench.told("services_expire", "10", "t").isEmpty)
            #expect(try await bench.meta("lease_clock").isEmpty)
            try await bench.register("a", lease: "3")
            #expect(try await bench.told("services_expire", "10", "t").isEmpty)
            #expect(try await bench.meta("lease_clock") == "1000000")
        }
    }

    @Test(arguments: [3600, -3600, 86_400 * 365])
    func `neither ends nor freezes a lease when the wall clock is set`(step: Int) async throws {
        #expect((4...6).contains(try await self.secondsUntilItEnds(step: step)))
    }

    @Test func `would end it, or keep it for ever, if it were the wall clock`() async throws {
        let advance = "clock + math.max(0, math.min(wall - read_at, LEASE_STEP_MAX_MS))"
        #expect(try await self.secondsUntilItEnds(step: 3600, edits: [(advance, "wall")]) == 0)
        #expect(try await self.secondsUntilItEnds(step: -3600, edits: [(advance, "wall")]) > 9)
    }

    /// How many seconds after a step of the wall clock a lease of 6 s ends; ten is too late.
    private func secondsUntilItEnds(step: Int, edits: [(String, String)] = []) async throws -> Int {
        var seconds = 0
        try await FunctionBench.run(isClockManual: true, edits: edits) { bench in
            try await bench.setClock(seconds: 1_000_000_000)
            try await bench.register("a", lease: "6")
            try await bench.setClock(seconds: 1_000_000_000 + step)
            while try await bench.told("services_expire", "10", "t") != ["a"], seconds < 10 {
                seconds += 1
                try await bench.setClock(seconds: 1_000_000_000 + step + seconds)
            }
        }
        return seconds
    }

    @Test func `keeps epochs rising while the wall clock falls`() async throws {
        try await FunctionBench.run(isClockManual: true) { bench in
            try await bench.setClock(seconds: 2000)
            try await bench.register("a")
            try await bench.setClock(seconds: 1000)
            #expect(try await bench.toldOnRegistering("b")[1...2] == ["2000000001", "2000000000"])
        }
    }

    @Test func `ends a bounded number of leases a call, the oldest first`() async throws {
        try await FunctionBench.run(isClockManual: true) { bench in
            try await bench.setClock(seconds: 1000)
            for (id, lease) in [("c", "0.3"), ("a", "0.1"), ("b", "0.2")] { try await bench.register(id, lease: lease) }
            try await bench.setClock(seconds: 1001)
            #expect(try await bench.told("services_expire", "2", "t") == ["a", "b"])
            #expect(try await bench.told("services_expire", "2", "t") == ["c"])
        }
    }
}
