import ClusterFunctions
import ManagerTesting
import RedisClient
import Testing

@Suite struct `Leadership` {
    @Test func `is one candidate's until its lease runs out, and each taking has a higher term`() async throws {
        try await FunctionBench.run(isClockManual: true) { bench in
            func campaign(_ candidate: String) async throws -> String {
                let reply = try await bench.told("lease_campaign", candidate, "6000", FunctionBench.now)
                return reply.joined(separator: " ")
            }
            try await bench.setClock(seconds: 1000)
            #expect(try await campaign("a.1") == "taken 1000000 a.1 6000 1000000")
            try await bench.setClock(seconds: 1001)
            #expect(try await campaign("b.1") == "held 1000000 a.1 5000 1001000")
            #expect(try await campaign("a.1") == "renewed 1000000 a.1 6000 1001000")
            for second in 1002...1006 {
                try await bench.setClock(seconds: second)
                #expect(try await campaign("b.1").hasPrefix("held"))
            }
            try await bench.setClock(seconds: 1007)
            #expect(try await campaign("b.1") == "taken 1007000 b.1 6000 1007000")
            #expect(try await campaign("a.1").hasPrefix("held"))
        }
    }

    @Test func `lasts from when it was asked for, and a late campaign keeps it for no longer`() async throws {
        try await FunctionBench.run(isClockManual: true) { bench in
            func campaign(_ candidate: String, _ sent: String) async throws -> String {
                let reply = try await bench.told("lease_campaign", candidate, "6000", sent)
                return "\(reply[0]) \(reply[3])"
            }
            try await bench.setClock(seconds: 1000)
            #expect(try await campaign("a.1", "unknown") == "late 0", "who does not know how old it is")
            #expect(try await campaign("a.1", "994000") == "late 0", "older than a lease")
            #expect(try await campaign("a.1", "994001") == "taken 1")
            #expect(try await campaign("a.1", "unknown") == "late 1", "what is held is not touched")
            #expect(try await campaign("a.1", "998000") == "renewed 4000")
            #expect(try await campaign("a.1", "997000") == "renewed 4000", "older than the one before")
            #expect(try await campaign("b.1", "unknown") == "held 4000")
            #expect(try await campaign("b.1", "990000") == "held 4000")
            #expect(try await campaign("a.1", "9000000") == "renewed 6000", "nothing comes from the future")
        }
    }

    @Test func `is taken after Redis was emptied or rolled back, by who knows another lease clock`() async throws {
        try await FunctionBench.run(isClockManual: true) { bench in
            try await bench.setClock(seconds: 5000)
            #expect(try await bench.told("lease_campaign", "a.1", "6000", "1000000")[0] == "late", "a clock of before")
            let clock = try await bench.told("lease_campaign", "a.1", "6000", "unknown")[4]
            #expect(try await bench.told("lease_campaign", "a.1", "6000", clock)[0] == "taken")
            try await bench.call("lease_resign", "a.1")
            _ = try await bench.send(
                "HSET",
                bench.prefix + "meta",
                "lease_clock",
                "1000000",
                "lease_clock_read_at",
                "1"
            )
            let taken = try await bench.told("lease_campaign", "b.1", "6000", clock)
            #expect(taken[0] == "taken")
            #expect(taken[3] == "6000")
        }
    }

    @Test func `is free at once after a resignation, which only the holder can make`() async throws {
        try await FunctionBench.run { bench in
            let term = try await bench.told("lease_campaign", "a.1", "6000", FunctionBench.now)[1]
            #expect(try await bench.told("lease_resign", "b.1") == ["absent", term])
            #expect(try await bench.told("lease_resign", "a.1") == ["resigned", term])
            let taken = try await bench.told("lease_campaign", "b.1", "6000", FunctionBench.now)
            #expect(taken[0] == "taken")
            #expect((Int64(taken[1]) ?? 0) > (Int64(term) ?? .max))
            #expect(
                try await bench.signals() == ["elected a.1 \(term)", "resigned a.1 \(term)", "elected b.1 \(taken[1])"]
            )
        }
    }

    @Test func `has rising terms although the wall clock falls`() async throws {
        try await FunctionBench.run(isClockManual: true) { bench in
            try await bench.setClock(seconds: 5000)
            try await bench.call("lease_campaign", "a.1", "6000", FunctionBench.now)
            try await bench.setClock(seconds: 1000)
            #expect(
                try await bench.told("lease_campaign", "b.1", "6000", FunctionBench.now)[0] == "held",
                "a step back ends no lease"
            )
            try await bench.call("lease_resign", "a.1")
            #expect(try await bench.told("lease_campaign", "b.1", "6000", FunctionBench.now)[1] == "5000001")
        }
    }

    @Test func `refuses writes of an older term and learns a newer one that Redis lost`() async throws {
        try await LeaderBench.run { bench in
            let term = try #require(Int64(try await bench.told("lease_campaign", "a.1", "6000", FunctionBench.now)[1]))
            #expect(try await bench.told("test_write", String(term), "one") == ["written"])
            #expect(try await bench.told("test_write", "0", "not a leader's") == ["written"])
            try await bench.call("lease_resign", "a.1")
            try await bench.call("lease_campaign", "b.1", "6000", FunctionBench.now)
            #expect(try await bench.told("test_write", String(term), "late") == ["fenced"])
            #expect(try await bench.told("test_write", String(term + 1_000_000), "lost term") == ["written"])
            #expect(try await bench.meta("term") == String(term + 1_000_000))
            let renewed = try await bench.told("lease_campaign", "b.1", "6000", FunctionBench.now)
            #expect(renewed[0] == "taken", "b.1 got a term that was overtaken: all its writes would be refused")
            #expect((Int64(renewed[1]) ?? 0) > term + 1_000_000)
        }
    }
}

extension `Leadership` {
    @Test func `lets a leader's functions through, and none of a leader who was replaced`() async throws {
        try await FunctionBench.run { bench in
            let old = try await bench.told("lease_campaign", "a.1", "6000", FunctionBench.now)[1]
            let done = try await bench.call("lease_write", old, "services_file_store", "a", "one")
            #expect(done.first?.string == "written")
            #expect(texts(done.last?.array ?? []) == ["stored", "1"])
            try await bench.call("lease_resign", "a.1")
            let new = try await bench.told("lease_campaign", "b.1", "6000", FunctionBench.now)[1]
            let late = ["services_file_store", "a", "two"]
            #expect(try await bench.told("lease_write", old, late[0], late[1], late[2]) == ["fenced", new])
            #expect(try await bench.send("HGET", bench.prefix + "services-file", "a").string == "one")
            // The same write without the fence would have gone through.
            try await bench.call(late[0], late[1], late[2])
            #expect(try await bench.send("HGET", bench.prefix + "services-file", "a").string == "two")
        }
    }

    @Test func `names a function that is not there`() async throws {
        try await FunctionBench.run { bench in
            let reply = try? await bench.redis.call(
                "lease_write",
                keys: [bench.prefix],
                arguments: ["1", "no_such_function"]
            )
            #expect(reply == nil)
        }
    }
}

/// A bench whose library has a function for leaders, for the tests of the fence.
enum LeaderBench {
    static let write = """

        local function test_write(keys, args)
            if not fence(keys[1], args[1]) then return { 'fenced' } end
            redis.call('RPUSH', keys[1] .. 'written', args[1])
            return { 'written' }
        end
        publish('test_write', test_write)
        """

    static func run(_ body: (FunctionBench) async throws -> Void) async throws {
        let fixture = try await RedisFixture.shared()
        let parts = ClusterFunctions.parts + [Array(self.write.utf8)]
        try await fixture.withClient(library: RedisLibrary(base: "modelmanager", parts: parts)) { redis in
            try await body(FunctionBench(redis: redis, prefix: "mm:{\(fixture.prefix())}:"))
        }
    }
}
