import ManagerTesting
import RedisClient
import Testing

@Suite struct `A training job` {
    private static let body = #"{"model_type":"LSTM"}"#

    private func withJobs(_ body: (FunctionBench) async throws -> Void) async throws {
        try await FunctionBench.run(isClockManual: true) { bench in
            try await bench.setClock(seconds: 1000)
            for session in ["r1.a", "r2.a"] { try await bench.call("session_beat", session, "6000", "open") }
            try await body(bench)
        }
    }

    private func submit(_ bench: FunctionBench, _ id: String, key: String = "", body: String = Self.body) async throws
        -> [String]
    {
        try await bench.told("job_submit", id, key, body, "60000", "tester", "model_type", "LSTM")
    }

    /// Ids of the jobs claimed.
    private func claim(_ bench: FunctionBench, _ session: String, _ count: Int, running: String...) async throws
        -> [String]
    {
        let reply = try await bench.call("job_claim", [session, String(count)] + running)
        guard reply.first?.string == "ok" else { return texts(reply) }
        return reply.dropFirst().map { $0.array?.first?.string ?? "?" }
    }

    private func field(_ bench: FunctionBench, _ id: String, _ name: String) async throws -> String? {
        try await bench.send("HGET", bench.prefix + "job:\(id)", name).string
    }

    /// Session r1.a lapses, r2.a lives on.
    private func lapse(_ bench: FunctionBench) async throws {
        for second in 1001...1007 {
            try await bench.setClock(seconds: second)
            try await bench.call("session_beat", "r2.a", "6000", FunctionBench.now)
        }
    }

    @Test func `is made once, however often it is asked for`() async throws {
        try await self.withJobs { (bench) async throws -> Void in
            #expect(try await self.submit(bench, "j1", key: "k")[0...1] == ["queued", "j1"])
            #expect(try await self.submit(bench, "j1", key: "k")[0...1] == ["known", "j1"], "a repetition")
            #expect(try await self.submit(bench, "j2", key: "k")[0...1] == ["known", "j1"], "the same key")
            #expect(try await self.submit(bench, "j3", key: "k", body: "{}") == ["conflict", "j1"])
            #expect(try await self.submit(bench, "j4")[0...1] == ["queued", "j4"])
            #expect(try await bench.send("ZCARD", bench.prefix + "jobs").integer == 2)
        }
    }

    @Test func `has one runner at a time, in the order they came`() async throws {
        try await self.withJobs { (bench) async throws -> Void in
            for (place, id) in ["b", "a", "c"].enumerated() {
                try await bench.setClock(seconds: 1000, microseconds: 1000 * (place + 1))
                _ = try await self.submit(bench, id)
            }
            #expect(try await self.claim(bench, "r9.a", 9) == ["lapsed"])
            #expect(try await self.claim(bench, "r1.a", 2) == ["b", "a"])
            #expect(try await self.claim(bench, "r2.a", 9) == ["c"])
            #expect(try await self.claim(bench, "r2.a", 9, running: "c") == [])
            #expect(try await self.claim(bench, "r1.a", 9, running: "b") == ["a"], "whose reply was lost")
        }
    }

    @Test func `refuses every step of a runner that lost it`() async throws {
        try await self.withJobs { (bench) async throws -> Void in
            _ = try await self.submit(bench, "j")
            _ = try await self.claim(bench, "r1.a", 1)
            #expect(try await bench.told("job_send", "r1.a", "j", "s@http://h:1", "0") == ["ok"])
            #expect(try await self.claim(bench, "r2.a", 1) == [], "its runner lives")
            try await self.lapse(bench)
            #expect(try await bench.told("job_note", "r1.a", "j", "watching") == ["lost"], "lapsed")
            #expect(try await self.claim(bench, "r2.a", 1) == ["j"])
            #expect(try await bench.told("job_end", "r1.a", "j", "succeeded", "") == ["lost"])
            #expect(try await bench.told("job_send", "r1.a", "j", "s@http://h:1", "0") == ["lost"])
            #expect(try await bench.told("job_release", "r1.a", "j", "0") == ["lost"])
            #expect(try await bench.told("job_end", "r2.a", "j", "succeeded", "") == ["ok"])
            #expect(try await bench.told("job_end", "r2.a", "j", "failed", "") == ["ended"])
            #expect(try await self.field(bench, "j", "status") == "succeeded")
        }
    }

    @Test(arguments: [("", "preparing"), ("sending", "finding"), ("watching", "watching"), ("finding", "finding")])
    func `that is taken over says whether it may have started`(phase: String, taken: String) async throws {
        try await self.withJobs { (bench) async throws -> Void in
            _ = try await self.submit(bench, "j")
            _ = try await self.claim(bench, "r1.a", 1)
            if phase.isEmpty {
                _ = try await bench.told("job_note", "r1.a", "j", "preparing")
            } else {
                _ = try await bench.told("job_send", "r1.a", "j", "s@http://h:1", "0")
                if phase != "sending" { _ = try await bench.told("job_note", "r1.a", "j", phase) }
            }
            try await self.lapse(bench)
            #expect(try await self.claim(bench, "r2.a", 1) == ["j"])
            #expect(try await self.field(bench, "j", "phase") == taken)
            #expect(try await self.field(bench, "j", "maybe_started") == (taken == "finding" ? "true" : nil))
        }
    }

    @Test func `given back waits its time, or is taken over at once when a trainer has it`() async throws {
        try await self.withJobs { (bench) async throws -> Void in
            _ = try await self.submit(bench, "j")
            _ = try await self.claim(bench, "r1.a", 1)
            #expect(try await bench.told("job_release", "r1.a", "j", "1500", "message", "full") == ["ok"])
            #expect(try await self.claim(bench, "r2.a", 1) == [])
            try await bench.setClock(seconds: 1002)
            _ = try await bench.call("session_beat", "r2.a", "6000", FunctionBench.now)
            try await bench.setClock(seconds: 1003)
            #expect(try await self.claim(bench, "r2.a", 1) == ["j"])
            _ = try await bench.told("job_send", "r2.a", "j", "s@http://h:1", "0")
            _ = try await bench.told("job_note", "r2.a", "j", "watching")
            #expect(try await bench.told("job_release", "r2.a", "j", "1500") == ["ok"])
            #expect(try await self.claim(bench, "r1.a", 1) == ["j"], "although r2 lives")
        }
    }

    @Test func `counts against the limit of its trainer`() async throws {
        try await self.withJobs { (bench) async throws -> Void in
            for id in ["a", "b"] { _ = try await self.submit(bench, id) }
            _ = try await self.claim(bench, "r1.a", 1)
            _ = try await self.claim(bench, "r2.a", 1)
            #expect(try await bench.told("job_send", "r1.a", "a", "s@http://h:1", "1") == ["ok"])
            #expect(try await bench.told("job_send", "r1.a", "a", "s@http://h:1", "1") == ["ok"], "a repetition")
            #expect(try await bench.told("job_send", "r2.a", "b", "s@http://h:1", "1") == ["full", "1"])
            #expect(try await bench.told("job_send", "r2.a", "b", "s@http://h:2", "1") == ["ok"], "another instance")
            #expect(try await bench.told("job_note", "r2.a", "b", "preparing") == ["ok", ""])
            #expect(try await bench.told("job_end", "r1.a", "a", "succeeded", "") == ["ok"])
            #expect(try await bench.told("job_send", "r2.a", "b", "s@http://h:1", "1") == ["ok"], "there is room again")
        }
    }

    @Test func `is cancelled at once while no trainer has it, else its runner is told`() async throws {
        try await self.withJobs { (bench) async throws -> Void in
            #expect(try await bench.told("job_cancel", "j", "tester") == ["absent"])
            for id in ["a", "b", "c"] { _ = try await self.submit(bench, id) }
            #expect(try await bench.told("job_cancel", "a", "tester")[0] == "cancelled")
            #expect(try await self.claim(bench, "r1.a", 9) == ["b", "c"])
            #expect(try await bench.told("job_cancel", "b", "tester")[0] == "cancelled", "claimed, and not sent")
            #expect(try await bench.told("job_send", "r1.a", "b", "s@http://h:1", "0") == ["ended"])
            _ = try await bench.told("job_send", "r1.a", "c", "s@http://h:1", "0")
            #expect(try await bench.told("job_cancel", "c", "tester")[0] == "requested")
            #expect(try await bench.told("job_note", "r1.a", "c", "watching") == ["ok", "requested"])
            #expect(try await bench.told("job_end", "r1.a", "c", "cancelled", "") == ["ok"])
            #expect(try await bench.told("job_cancel", "c", "tester")[0] == "ended")
        }
    }

    @Test func `leaves nothing but itself when it ends, and its key goes with it`() async throws {
        try await self.withJobs { (bench) async throws -> Void in
            _ = try await self.submit(bench, "j", key: "k")
            _ = try await self.claim(bench, "r1.a", 1)
            _ = try await bench.told("job_send", "r1.a", "j", "s@http://h:1", "0")
            #expect(try await bench.meta("job_bytes") == String(Self.body.utf8.count))
            _ = try await bench.told("job_end", "r1.a", "j", "failed", "", "error", "why")
            for key in ["job-request:j", "jobs-waiting", "jobs-held", "jobs-placed"] {
                #expect(try await bench.send("EXISTS", bench.prefix + key).integer == 0, "\(key)")
            }
            #expect(try await bench.meta("job_bytes") == "0")
            #expect(try await self.submit(bench, "j2", key: "k")[0...1] == ["known", "j"], "ended, and remembered")
            try await bench.setClock(seconds: 1000 + 7 * 24 * 3600 + 1)
            #expect(try await self.submit(bench, "j3")[0] == "queued")
            #expect(try await bench.send("EXISTS", bench.prefix + "job:j").integer == 0)
            #expect(try await bench.send("HEXISTS", bench.prefix + "job-keys", "k").integer == 0)
            #expect(try await self.submit(bench, "j2", key: "k")[0] == "queued")
        }
    }

    @Test func `is refused when too many have not ended`() async throws {
        try await self.withJobs { (bench) async throws -> Void in
            _ = try await bench.send("HSET", bench.prefix + "meta", "job_bytes", String(256 * 1024 * 1024))
            #expect(try await self.submit(bench, "j")[0...1] == ["full", "0"])
            _ = try await bench.send("HSET", bench.prefix + "meta", "job_bytes", "0")
            for number in 0..<1000 {
                _ = try await bench.send("ZADD", bench.prefix + "jobs-waiting", "1", "x\(number)")
            }
            #expect(try await self.submit(bench, "j")[0...1] == ["full", "1000"])
        }
    }

    @Test func `is listed, the newest first, in pages and by what is wanted`() async throws {
        try await self.withJobs { (bench) async throws -> Void in
            for number in 1...5 {
                try await bench.setClock(seconds: 1000, microseconds: number)
                _ = try await self.submit(bench, "j\(number)")
            }
            _ = try await bench.told("job_cancel", "j3", "tester")
            func page(_ arguments: String...) async throws -> [String] {
                let reply = try await bench.call("job_list", arguments)
                return [reply[0].string ?? "?"] + reply.dropFirst().map { $0.array?.first?.string ?? "?" }
            }
            #expect(try await page("", "2", "", "") == ["j4", "j5", "j4"])
            #expect(try await page("j4", "9", "", "") == ["", "j3", "j2", "j1"])
            #expect(try await page("", "9", "cancelled", "LSTM") == ["", "j3"])
            #expect(try await page("", "9", "", "GRU") == [""])
            #expect(try await page("nobody", "9", "", "") == ["absent"])
        }
    }
}
