import ManagerTesting
import RedisClient
import Testing

/// What replicas tell of the versions they serve, added up.
@Suite struct `The traffic functions` {
    @Test func `add up what several replicas tell, each report once`() async throws {
        try await FunctionBench.run { bench in
            for session in ["r1.a-1", "r2.a-1"] { try await bench.call("session_beat", session, "60000", "open") }
            let rows = ["LSTM", "v1", "10", "2", "500", "3"]
            for session in ["r1.a-1", "r2.a-1"] {
                #expect(try await bench.report([session, "1", "7", "1"] + rows) == ["counted"])
                #expect(try await bench.report([session, "1", "7", "1"] + rows) == ["repeated"])
            }
            #expect(try await bench.report(["r9.a-1", "1", "7", "1"] + rows) == ["lapsed"])
            let reply = try await bench.call("traffic_counts", "LSTM", "v1", "v2")
            #expect(
                reply[1].array?.map { texts($0.array ?? []) } == [["v1", "20", "4", "1000"], ["v2", "0", "0", "0"]]
            )
            #expect(
                reply[2].array?.map { texts($0.array ?? []) } == [["r1", "7", "3", "0"], ["r2", "7", "3", "0"]]
            )
        }
    }

    @Test func `forget what a replica had in flight when its session ends, and keep what it counted`() async throws {
        try await FunctionBench.run { bench in
            try await bench.call("session_beat", "r1.a-1", "60000", "open")
            _ = try await bench.report(["r1.a-1", "1", "7", "1", "LSTM", "v1", "10", "0", "0", "3"])
            try await bench.call("session_end", "r1.a-1")
            let reply = try await bench.call("traffic_counts", "LSTM", "v1")
            #expect(reply[1].array?.map { texts($0.array ?? []) } == [["v1", "10", "0", "0"]])
            #expect(reply[2].array?.isEmpty == true)
            let left = try await bench.send("HKEYS", bench.prefix + "traffic:LSTM").array?.compactMap(\.string) ?? []
            #expect(!left.contains { $0.hasPrefix("in_flight") })
            #expect(try await bench.send("EXISTS", bench.prefix + "reports").integer == 0)
        }
    }

    @Test func `count anew from the beginning of a canary's step`() async throws {
        try await FunctionBench.run { bench in
            try await bench.call("session_beat", "r1.a-1", "60000", "open")
            for version in ["v1", "v2"] {
                _ = try await bench.call(
                    "service_register",
                    ["s-\(version)", "0", "", "t", "model_type", "LSTM", "model_version", version]
                )
            }
            _ = try await bench.report(["r1.a-1", "1", "7", "1", "LSTM", "v2", "10", "5", "100", "0"])
            _ = try await bench.call("model_switch", "LSTM", "0", "t", "v2", "", "0", "1,100", "1000", "0.02", "")
            _ = try await bench.report(["r1.a-1", "2", "8", "1", "LSTM", "v2", "4", "1", "40", "0"])
            let reply = try await bench.call("traffic_counts", "LSTM", "v2")
            #expect(reply[1].array?.map { texts($0.array ?? []) } == [["v2", "4", "1", "40"]])
            let totals = try await bench.told("traffic_totals", "LSTM", "v2", "GRU", "v1")
            #expect(totals[0...2] == ["14", "6", "140"], "the sums rise whatever is measured")
            #expect(totals[4...] == ["0", "0", "0", "0"])
        }
    }

    @Test func `remember when requests of a version were last told of`() async throws {
        try await FunctionBench.run(isClockManual: true) { bench in
            func last() async throws -> String { try await bench.told("traffic_totals", "LSTM", "v1")[3] }
            try await bench.setClock(seconds: 1000)
            try await bench.call("session_beat", "r1.a-1", "60000", "open")
            #expect(try await last() == "0")
            _ = try await bench.report(["r1.a-1", "1", "7", "1", "LSTM", "v1", "2", "0", "9", "1"])
            #expect(try await last() == "1000000")
            try await bench.setClock(seconds: 1001)
            _ = try await bench.report(["r1.a-1", "2", "7", "1", "LSTM", "v1", "0", "0", "0", "0"])
            #expect(try await last() == "1000000", "an end of what was in flight is no request")
            _ = try await bench.report(["r1.a-1", "3", "7", "1", "LSTM", "v1", "1", "1", "0", "0"])
            #expect(try await last() == "1001000")
        }
    }

    @Test func `name the live replicas that are behind an epoch`() async throws {
        try await FunctionBench.run(isClockManual: true) { bench in
            try await bench.setClock(seconds: 1000)
            try await bench.call("session_beat", "r1.a-1", "6000", "open", "epoch", "5")
            try await bench.call("session_beat", "r2.a-1", "6000", "open", "epoch", "9")
            let behind = try await bench.call("session_behind", "9").map { texts($0.array ?? [])[0...1] }
            #expect(behind == [["r1", "5"]])
            for second in 1001...1007 {
                try await bench.setClock(seconds: second)
                try await bench.call("session_beat", "r2.a-1", "6000", FunctionBench.now, "epoch", "9")
            }
            #expect(try await bench.call("session_behind", "9").isEmpty, "a lapsed one is not waited for")
        }
    }
}

extension FunctionBench {
    fileprivate func report(_ words: [String]) async throws -> [String] {
        texts(try await self.call("traffic_report", words))
    }
}
