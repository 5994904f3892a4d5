import ManagerTesting
import RedisClient
import Testing

/// What replicas tell of their callers' answers, added up.
@Suite struct `The functions of what was served` {
    @Test func `add up what several replicas tell, each report once`() async throws {
        try await FunctionBench.run { bench in
            try await bench.register("a")
            for session in ["r1.a-1", "r2.a-1"] {
                try await bench.call("session_beat", session, "60000", "open")
                let row = ["5", "1", "2", "900", "3", "0.5:4,more:1"]
                #expect(try await bench.report(session, "1", row) == ["counted"])
                #expect(try await bench.report(session, "1", row) == ["repeated"])
            }
            #expect(try await bench.report("r9.a-1", "1", ["5", "1", "2", "900", "3", ""]) == ["lapsed"])
            let rows = try await bench.counts("", "a", "b")
            #expect(rows.map { $0[0...5] } == [["", "10", "2", "4", "0", "0"], ["a", "10", "2", "4", "1800", "6"]])
            #expect(Set(rows[1][6...]) == ["0.5", "8", "more", "2"])
        }
    }

    @Test func `forget what was in flight with the session, and keep the sums`() async throws {
        try await FunctionBench.run { bench in
            try await bench.register("a")
            try await bench.call("session_beat", "r1.a-1", "60000", "open")
            _ = try await bench.report("r1.a-1", "1", ["5", "0", "0", "900", "3", "0.5:5"])
            try await bench.call("session_end", "r1.a-1")
            #expect(try await bench.counts("a") == [["a", "5", "0", "0", "900", "0", "0.5", "5"]])
            _ = try await bench.counts("")
            for key in ["served-total", "served:a"] {
                let left = try await bench.send("HKEYS", bench.prefix + key).array?.compactMap(\.string) ?? []
                #expect(!left.isEmpty && left.allSatisfy { !$0.contains("@") }, "\(left)")
            }
        }
    }

    @Test func `take back what was in flight when it has ended`() async throws {
        try await FunctionBench.run { bench in
            try await bench.register("a")
            try await bench.call("session_beat", "r1.a-1", "60000", "open")
            _ = try await bench.report("r1.a-1", "1", ["5", "0", "0", "900", "3", ""])
            _ = try await bench.report("r1.a-1", "2", ["0", "0", "0", "0", "0", ""])
            #expect(try await bench.counts("a") == [["a", "5", "0", "0", "900", "0"]])
        }
    }

    @Test func `keep nothing of a service that is not registered`() async throws {
        try await FunctionBench.run { bench in
            try await bench.register("a")
            try await bench.call("session_beat", "r1.a-1", "60000", "open")
            _ = try await bench.report("r1.a-1", "1", ["5", "0", "0", "900", "3", ""])
            _ = try await bench.call("service_remove", "a", "0", "", "t", "")
            #expect(try await bench.counts("a").isEmpty)
            _ = try await bench.report("r1.a-1", "2", ["1", "0", "0", "9", "0", ""])
            #expect(try await bench.counts("a").isEmpty)
            #expect(try await bench.counts("") == [["", "6", "0", "0", "0", "0"]])
        }
    }
}

extension FunctionBench {
    fileprivate func register(_ id: String) async throws {
        _ = try await self.call("service_register", [id, "0", "", "t", "model_type", "LSTM", "model_version", "v1"])
    }

    /// The row is of the service `a`; the sums of all are the same.
    fileprivate func report(_ session: String, _ number: String, _ row: [String]) async throws -> [String] {
        texts(try await self.call("served_report", [session, number, ""] + row[0...2] + ["0", "0", "", "a"] + row))
    }

    fileprivate func counts(_ ids: String...) async throws -> [[String]] {
        try await self.call("served_counts", ids).map { texts($0.array ?? []) }
    }
}
