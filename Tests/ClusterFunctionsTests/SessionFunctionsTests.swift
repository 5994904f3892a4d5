import ManagerTesting
import RedisClient
import Testing

@Suite struct `A session` {
    @Test func `opens once, extends, lapses after its time and never comes back`() async throws {
        try await FunctionBench.run(isClockManual: true) { bench in
            try await bench.setClock(seconds: 1000)
            let early = try await bench.told("session_beat", "r1.a", "6000", FunctionBench.now)
            #expect(early[0] == "lapsed", "nothing to extend")
            #expect(try await bench.told("session_beat", "r1.a", "6000", "open")[0] == "opened")
            #expect(try await bench.told("session_beat", "r2.a", "6000", "open")[0] == "opened")
            for second in 1001...1006 {
                try await bench.setClock(seconds: second)
                #expect(try await bench.told("session_beat", "r2.a", "6000", FunctionBench.now)[0] == "extended")
            }
            #expect(try await bench.told("session_beat", "r1.a", "6000", FunctionBench.now)[0] == "lapsed")
            #expect(try await bench.told("session_beat", "r1.a", "6000", "open")[0] == "lapsed", "a late duplicate")
            #expect(try await bench.told("session_beat", "r1.b", "6000", "open")[0] == "opened")
        }
    }

    @Test func `is told of another one that beats under the same replica id, and not of what a crash left`()
        async throws
    {
        try await FunctionBench.run(isClockManual: true) { bench in
            func namesake(_ session: String, _ sent: String = FunctionBench.now) async throws -> String? {
                try await bench.call("session_beat", session, "6000", sent)[4].string
            }
            try await bench.setClock(seconds: 1000)
            #expect(try await namesake("r1.a", "open") == "")
            #expect(try await namesake("r2.a", "open") == "")
            #expect(try await namesake("r1.a") == "")
            #expect(try await namesake("r1.b", "open") == "", "r1.a may have crashed")
            #expect(try await namesake("r1.b") == "")
            #expect(try await namesake("r1.a") == "r1.b", "it has not")
            #expect(try await namesake("r1.b") == "r1.a")
        }
    }

    @Test func `lasts from when its last beat was sent, and a late one never ends it sooner`() async throws {
        try await FunctionBench.run(isClockManual: true) { bench in
            func remaining(_ sent: String) async throws -> String? {
                let reply = try await bench.call("session_beat", "r1.a", "6000", sent)
                return reply[3].array?.first?.array?[1].string
            }
            try await bench.setClock(seconds: 1000)
            #expect(try await remaining("open") == "6000")
            try await bench.setClock(seconds: 1001)
            #expect(try await remaining("open") == "5000", "a second opening adds nothing")
            #expect(try await remaining("1000900") == "5900", "on its way for 100 ms")
            #expect(try await remaining("1000300") == "5900", "older than the one before")
            #expect(try await remaining("1009000") == "6000", "no beat comes from the future")
        }
    }

    /// How a session is 3.8 s after its last beat, when Redis' clock was stepped an hour ahead in each of them.
    private func statusAfterSteps(_ edits: [(String, String)] = []) async throws -> String {
        var status = ""
        try await FunctionBench.run(isClockManual: true, edits: edits) { bench in
            var (second, microsecond) = (1000, 0)
            try await bench.setClock(seconds: second)
            try await bench.call("session_beat", "r1.a", "6000", "open")
            try await bench.call("session_beat", "r2.a", "6000", "open")
            for _ in 0..<4 {
                microsecond += 950_000
                try await bench.setClock(seconds: second, microseconds: microsecond)
                second += 3600
                try await bench.setClock(seconds: second, microseconds: microsecond)
                try await bench.call("session_beat", "r2.a", "6000", FunctionBench.now)
            }
            status = try await bench.told("session_beat", "r1.a", "6000", FunctionBench.now)[0]
        }
        return status
    }

    @Test func `outlives four steps of the clock for as long as its replica trusts it`() async throws {
        #expect(try await self.statusAfterSteps() == "extended")
        let leap = ("LEASE_STEP_MAX_MS = 500", "LEASE_STEP_MAX_MS = 1500")
        #expect(try await self.statusAfterSteps([leap]) == "lapsed", "the test would not notice")
    }

    @Test func `shows every live replica once, with what it said last`() async throws {
        try await FunctionBench.run { bench in
            try await bench.call("session_beat", "r1.a", "6000", "open", "epoch", "3")
            try await bench.call("session_beat", "r.2.a", "6000", "open", "epoch", "5")
            let reply = try await bench.call("session_beat", "r1.b", "6000", "open", "epoch", "4", "in_flight", "2")
            let replicas = try #require(reply[3].array)
            #expect(replicas.compactMap { $0.array?[0].string }.sorted() == ["r.2", "r1"], "r1 was restarted")
            let own = try #require(replicas.first { $0.array?[0].string == "r1" }?.array)
            #expect(texts(own[2].array ?? []) == ["session", "r1.b", "epoch", "4", "in_flight", "2"])
        }
    }

    @Test func `is forgotten a minute after its end, with its replica`() async throws {
        try await FunctionBench.run(isClockManual: true) { bench in
            try await bench.setClock(seconds: 1000)
            try await bench.call("session_beat", "r1.a", "6000", "open", "epoch", "3")
            try await bench.call("session_beat", "r2.a", "6000", "open")
            for second in 1001...1064 {
                try await bench.setClock(seconds: second)
                try await bench.call("session_beat", "r2.a", "6000", FunctionBench.now)
            }
            #expect(try await bench.send("HGET", bench.prefix + "replica:r1", "epoch").string == "3")
            for second in 1065...1067 {
                try await bench.setClock(seconds: second)
                try await bench.call("session_beat", "r2.a", "6000", FunctionBench.now)
            }
            #expect(try await bench.send("EXISTS", bench.prefix + "replica:r1").integer == 0)
            #expect(try await bench.send("ZCARD", bench.prefix + "sessions").integer == 1)
        }
    }

    @Test func `ends at once when its replica leaves, and tells`() async throws {
        try await FunctionBench.run { bench in
            try await bench.call("session_beat", "r1.a", "6000", "open")
            #expect(try await bench.told("session_end", "r1.a") == ["ended"])
            #expect(try await bench.told("session_end", "r1.a") == ["absent"])
            #expect(try await bench.send("EXISTS", bench.prefix + "replica:r1").integer == 0)
            #expect(try await bench.signals() == ["left r1 r1.a"])
        }
    }
}

extension FunctionBench {
    /// `kind subject detail` of all signals.
    func signals() async throws -> [String] {
        let entries = try await self.send("XRANGE", self.prefix + "signals", "-", "+").array ?? []
        return entries.map { entry in
            let flat = texts(entry.array?[1].array ?? [])
            return "\(flat[1]) \(flat[3]) \(flat[5])"
        }
    }
}
