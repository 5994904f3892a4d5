import ManagerTesting
import RedisClient
import Testing

@Suite struct `The permits of an instance` {
    /// What a session says of the instance `i` with a limit of 5.
    private struct Ask {
        var number: Int
        var held = 0
        var inFlight = 0
        var want: Int
        var stock = 0
        var limit = 5
        var version = 1
    }

    private func ask(_ bench: FunctionBench, _ session: String, _ ask: Ask) async throws -> [String] {
        let numbers = [ask.number, ask.held, ask.inFlight, ask.want, ask.stock, ask.limit, ask.version].map {
            String($0)
        }
        let reply = try await bench.call("permit_lease", [session, "i"] + numbers)
        return texts(reply.count > 1 ? reply[1].array ?? [] : reply)
    }

    /// Two seconds after they opened in an empty Redis, unless it is to be new.
    private func withSessions(
        isNew: Bool = false,
        edits: [(String, String)] = [],
        _ body: (FunctionBench) async throws -> Void
    ) async throws {
        try await FunctionBench.run(isClockManual: true, edits: edits) { bench in
            for second in 998...(isNew ? 998 : 1000) {
                try await bench.setClock(seconds: second)
                let sent = second == 998 ? "open" : FunctionBench.now
                for session in ["r1.a", "r2.a", "r3.a"] { try await bench.call("session_beat", session, "6000", sent) }
            }
            try await body(bench)
        }
    }

    @Test func `never add up to more than the limit`() async throws {
        try await self.withSessions { (bench) async throws -> Void in
            #expect(try await self.ask(bench, "r1.a", Ask(number: 1, want: 4))[1] == "4")
            #expect(try await self.ask(bench, "r2.a", Ask(number: 1, want: 4))[1] == "1")
            #expect(try await self.ask(bench, "r3.a", Ask(number: 1, want: 1))[1] == "0")
            #expect(try await bench.signals() == ["want i r2.a", "want i r3.a"])
        }
    }

    @Test func `come back in one call, and whoever waited is told`() async throws {
        try await self.withSessions { (bench) async throws -> Void in
            _ = try await self.ask(bench, "r1.a", Ask(number: 1, want: 5))
            _ = try await self.ask(bench, "r2.a", Ask(number: 1, want: 2))
            #expect(try await self.ask(bench, "r1.a", Ask(number: 2, held: 3, inFlight: 3, want: 3))[1] == "3")
            #expect(try await bench.signals() == ["want i r2.a", "free i r1.a"])
            #expect(try await self.ask(bench, "r2.a", Ask(number: 2, want: 2))[1] == "2")
            #expect(try await bench.send("EXISTS", bench.prefix + "waiters:i").integer == 0)
        }
    }

    @Test func `are not counted twice by a repeated or late call`() async throws {
        try await self.withSessions { (bench) async throws -> Void in
            _ = try await self.ask(bench, "r1.a", Ask(number: 7, want: 5))
            #expect(try await self.ask(bench, "r1.a", Ask(number: 7, want: 5)) == ["stale", "7"])
            #expect(try await self.ask(bench, "r1.a", Ask(number: 3, held: 5, want: 0)) == ["stale", "7"])
            #expect(try await bench.send("HGET", bench.prefix + "permits:i", "r1.a").string == "5:7")
        }
    }

    @Test func `are not had by saying so`() async throws {
        try await self.withSessions { (bench) async throws -> Void in
            #expect(try await self.ask(bench, "r1.a", Ask(number: 1, held: 5, want: 1))[1] == "1")
        }
    }

    @Test func `of a session that lapsed are free, and it is told`() async throws {
        try await self.withSessions { (bench) async throws -> Void in
            _ = try await self.ask(bench, "r1.a", Ask(number: 1, want: 5))
            for second in 1001...1006 {
                try await bench.setClock(seconds: second)
                try await bench.call("session_beat", "r2.a", "6000", FunctionBench.now)
            }
            #expect(try await self.ask(bench, "r1.a", Ask(number: 2, held: 5, want: 5)) == ["lapsed"])
            #expect(try await self.ask(bench, "r2.a", Ask(number: 1, want: 5))[1] == "5")
        }
    }

    @Test func `keep a floor for everybody who wants some`() async throws {
        try await self.withSessions { (bench) async throws -> Void in
            _ = try await self.ask(bench, "r1.a", Ask(number: 1, want: 5))
            _ = try await self.ask(bench, "r2.a", Ask(number: 1, want: 5))
            // One is free again, but r1 already has its share of 2 and goes behind r2, which waits.
            let reply = try await self.ask(bench, "r1.a", Ask(number: 2, held: 4, inFlight: 4, want: 5))
            #expect(reply == ["held", "4", "5", "1", "2", "2", "1", "0", "0"])
            #expect(try await self.ask(bench, "r2.a", Ask(number: 2, want: 5))[1] == "1")
        }
    }

    @Test func `follow the newest limit, and tell by how much too many are out`() async throws {
        try await self.withSessions { (bench) async throws -> Void in
            _ = try await self.ask(bench, "r1.a", Ask(number: 1, want: 4))
            let lowered = try await self.ask(
                bench,
                "r1.a",
                Ask(number: 2, held: 4, inFlight: 1, want: 4, limit: 2, version: 2)
            )
            #expect(lowered[1] == "4", "what the replica says it uses is not taken from it")
            #expect(lowered[7] == "2")
            let older = try await self.ask(bench, "r2.a", Ask(number: 1, want: 1, limit: 5, version: 1))
            #expect(older[1...2] == ["0", "2"])
            #expect(try await self.ask(bench, "r1.a", Ask(number: 3, held: 1, inFlight: 1, want: 1))[1] == "1")
            #expect(try await self.ask(bench, "r2.a", Ask(number: 2, want: 1))[1] == "1")
        }
    }

    @Test func `count requests in flight that a new session brings along`() async throws {
        try await self.withSessions { (bench) async throws -> Void in
            _ = try await self.ask(bench, "r1.a", Ask(number: 1, want: 5))
            let reply = try await self.ask(bench, "r2.a", Ask(number: 1, inFlight: 3, want: 3))
            #expect(reply[1] == "3")
            #expect(reply[7] == "3", "three more are in flight than allowed")
        }
    }

    @Test func `are not granted while Redis is new, but claims are believed, up to the limit`() async throws {
        try await self.withSessions(isNew: true) { (bench) async throws -> Void in
            let fresh = try await self.ask(bench, "r1.a", Ask(number: 1, want: 5))
            #expect([fresh[1], fresh[8]] == ["0", "1"])
            #expect(try await self.ask(bench, "r2.a", Ask(number: 1, held: 3, want: 4))[1] == "3")
            #expect(try await self.ask(bench, "r3.a", Ask(number: 1, held: 3, want: 3))[1] == "2", "the limit is 5")
            // A claim was made, so the wait goes on to the end of half a lease.
            try await bench.setClock(seconds: 999)
            try await bench.call("session_beat", "r1.a", "6000", FunctionBench.now)
            try await bench.setClock(seconds: 1000)
            #expect(try await self.ask(bench, "r3.a", Ask(number: 2, held: 0, want: 0))[1] == "0")
            #expect(try await self.ask(bench, "r1.a", Ask(number: 2, want: 5))[1] == "0")
            try await bench.setClock(seconds: 1001)
            #expect(try await self.ask(bench, "r1.a", Ask(number: 3, want: 5))[1] == "2")
        }
    }

    @Test func `are claimed in vain once Redis is no longer new`() async throws {
        try await self.withSessions { (bench) async throws -> Void in
            _ = try await self.ask(bench, "r1.a", Ask(number: 1, want: 5))
            #expect(try await self.ask(bench, "r2.a", Ask(number: 1, held: 3, want: 3))[1] == "0")
        }
    }

    @Test func `are kept in stock only as long as nobody waits`() async throws {
        try await self.withSessions { (bench) async throws -> Void in
            #expect(try await self.ask(bench, "r1.a", Ask(number: 1, want: 0, stock: 1))[1] == "1")
            _ = try await self.ask(bench, "r2.a", Ask(number: 1, want: 5))
            #expect(try await self.ask(bench, "r3.a", Ask(number: 1, want: 0, stock: 1))[1] == "0")
        }
    }

    /// What r3 gets of a limit of 1 when it has been given back, 0.5 s and 2 s after r2, the first in the line, asked last;
    /// then what r2 gets, which comes back while r3 has it, and after r3 gave it back.
    private func behindSilent(edits: [(String, String)] = []) async throws -> [String] {
        var given: [String] = []
        try await self.withSessions(edits: edits) { (bench) async throws -> Void in
            func lease(_ session: String, _ number: Int, held: Int = 0, want: Int = 1) async throws -> String {
                try await self.ask(bench, session, Ask(number: number, held: held, want: want, limit: 1))[1]
            }
            #expect(try await lease("r1.a", 1) == "1")
            #expect(try await lease("r2.a", 1) == "0")
            try await bench.setClock(seconds: 1000, microseconds: 500_000)
            #expect(try await lease("r3.a", 1) == "0")
            _ = try await lease("r1.a", 2, want: 0)
            given.append(try await lease("r3.a", 2))
            for second in 1001...1002 { try await bench.setClock(seconds: second) }
            given.append(try await lease("r3.a", 3))
            given.append(try await lease("r2.a", 2))
            _ = try await lease("r3.a", 4)
            given.append(try await lease("r2.a", 3))
        }
        return given
    }

    @Test func `pass over who is silent in the line, and keep its place`() async throws {
        #expect(try await self.behindSilent() == ["0", "1", "0", "1"])
    }

    @Test func `would be kept for it as long as its session lives`() async throws {
        let edit = ("local silent_ms_max = 1000", "local silent_ms_max = 600000")
        #expect(try await self.behindSilent(edits: [edit])[1] == "0", "the test would not notice")
    }

    @Test func `are forgotten with the instance, by the last who held any`() async throws {
        try await self.withSessions { (bench) async throws -> Void in
            _ = try await self.ask(bench, "r1.a", Ask(number: 1, want: 1))
            _ = try await self.ask(bench, "r2.a", Ask(number: 1, want: 1))
            #expect(try await bench.told("permit_forget", "r1.a", "i") == ["shared"])
            #expect(try await bench.told("permit_forget", "r2.a", "i") == ["forgotten"])
            #expect(try await bench.send("EXISTS", bench.prefix + "permits:i").integer == 0)
        }
    }
}
