import ManagerTesting
import RedisClient
import Testing

@Suite struct `The registry functions` {
    @Test func `follow a reader who is in the log, and send others to the pages`() async throws {
        try await FunctionBench.run { bench in
            #expect(try await bench.told("registry_sync", "", "0", "10") == ["empty"])
            let generation = try await bench.told("registry_open", "", "help")[0]
            #expect(try await bench.told("registry_sync", generation, "0", "10")[0] == "unchanged")
            let first = try await bench.toldOnRegistering("a")[1]
            let second = try await bench.toldOnRegistering("b")[1]
            #expect(try await bench.told("registry_sync", generation, second, "10")[0] == "unchanged")
            let delta = try await bench.call("registry_sync", generation, first, "10")
            #expect(texts(delta)[0] == "delta")
            #expect(delta[8].array?.count == 1)
            #expect(try await bench.told("registry_sync", generation, "0", "10")[0] == "full")
            #expect(try await bench.told("registry_sync", "another", second, "10")[0] == "full")
        }
    }

    @Test func `bound the entries of a reply`() async throws {
        try await FunctionBench.run { bench in
            let first = try await bench.toldOnRegistering("s0")[1]
            for number in 1...5 { try await bench.register("s\(number)") }
            let generation = try await bench.meta("generation")
            let delta = try await bench.call("registry_sync", generation, first, "3")
            #expect(delta[8].array?.count == 3)
        }
    }

    @Test func `tell a reader that changes it has seen are gone`() async throws {
        try await FunctionBench.run { bench in
            let first = try await bench.toldOnRegistering("a")[1]
            let second = try await bench.toldOnRegistering("b")[1]
            let generation = try await bench.meta("generation")
            let ahead = String((Int(second) ?? 0) + 1)
            #expect(try await bench.told("registry_sync", generation, ahead, "10")[0] == "lost")
            let between = String((Int(first) ?? 0) + 1)
            #expect(try await bench.told("registry_sync", generation, between, "10")[0] == "lost")
            _ = try await bench.send("XTRIM", bench.prefix + "log", "MAXLEN", "1")
            #expect(try await bench.told("registry_sync", generation, first, "10")[0] == "full")
        }
    }

    @Test func `page through all records, each once, also those with equal stamps`() async throws {
        try await FunctionBench.run { bench in
            try await bench.register("first")
            let generation = try await bench.meta("generation")
            for number in 10..<25 {
                let stamp = String(100 + number / 4)  // runs of four with one stamp
                try await bench.call(
                    "registry_repair",
                    generation,
                    "service",
                    "s\(number)",
                    stamp,
                    "0",
                    "t",
                    "epoch",
                    stamp
                )
            }
            var seen: [String] = []
            var (stamp, id, isEnd) = ("0", "", false)
            while !isEnd {
                let page = try await bench.call("registry_page", "service", stamp, id, "7")
                isEnd = page[0].string == "end"
                for record in page[3].array ?? [] {
                    (id, stamp) = (record.array?[0].string ?? "", record.array?[1].string ?? "")
                    seen.append(id)
                }
            }
            #expect(seen.count == 16)
            #expect(Set(seen).count == 16)
        }
    }

    @Test func `give back what was lost with its own stamp, the newest first or last`() async throws {
        try await FunctionBench.run { bench in
            let now = try await bench.toldOnRegistering("x")[1]
            let generation = try await bench.meta("generation")
            func repair(_ stamp: String, _ fields: String...) async throws -> String {
                var words: [RedisWord] = ["service", "a"].map { RedisWord($0) }
                words = [RedisWord(generation)] + words + [RedisWord(stamp), "0", "t"] + fields.map { RedisWord($0) }
                return try await bench.redis.call("registry_repair", keys: [bench.prefix], arguments: words).array?[0]
                    .string ?? ""
            }
            #expect(try await repair("500", "weight", "5", "epoch", "500") == "restored")
            #expect(try await repair("500", "weight", "5", "epoch", "500") == "same")
            #expect(try await repair("400", "weight", "4", "epoch", "400") == "newer")
            #expect(try await repair("600") == "restored", "a removal is knowledge, too")
            #expect(try await bench.send("EXISTS", bench.prefix + "service:a").integer == 0)
            #expect(try await repair("550", "weight", "5", "epoch", "550") == "newer", "a tombstone stands against it")
            #expect(try await repair("700", "weight", "7", "epoch", "700") == "restored")
            #expect(try await bench.send("ZSCORE", bench.prefix + "services", "a").string == "700")
            #expect(try await bench.meta("count") == "2")
            #expect(try await bench.meta("sum") == String((Int(now) ?? 0) + 700))
            let foreign = try await bench.call(
                "registry_repair",
                "another",
                "service",
                "a",
                "900",
                "0",
                "t",
                "epoch",
                "900"
            )
            #expect(texts(foreign) == ["foreign", generation])
        }
    }

    @Test func `forget removals after a day, and then take nothing older back`() async throws {
        try await FunctionBench.run(isClockManual: true) { bench in
            try await bench.setClock(seconds: 1_000_000)
            for id in ["a", "b"] { try await bench.register(id) }
            let removed = try await bench.told("service_remove", "a", "0", "", "t", "")[1]
            try await bench.setClock(seconds: 1_000_000 + 25 * 3600)
            try await bench.call("service_remove", "b", "0", "", "t", "")
            #expect(try await bench.send("ZCARD", bench.prefix + "tombstones").integer == 1)
            #expect(try await bench.meta("collected") == removed)
            let generation = try await bench.meta("generation")
            let old = try await bench.call(
                "registry_repair",
                generation,
                "service",
                "a",
                "1000000000000",
                "0",
                "t",
                "epoch",
                "1"
            )
            #expect(texts(old) == ["forgotten"])
        }
    }

    @Test(arguments: SeededRandom.runs(2))
    func `keep the digest equal to the records through random changes`(seeded: SeededRandom) async throws {
        try await FunctionBench.run { bench in
            var random = seeded
            for _ in 0..<200 {
                let id = "s\(Int.random(in: 0..<12, using: &random))"
                switch Int.random(in: 0..<4, using: &random) {
                case 0: try await bench.call("service_remove", id, "0", "", "t", "")
                case 1:
                    try await bench.call("service_drain", id, "0", Bool.random(using: &random) ? "true" : "false", "t")
                default:
                    try await bench.call(
                        "service_register",
                        id,
                        "0",
                        "",
                        "t",
                        "weight",
                        String(Int.random(in: 1...3, using: &random))
                    )
                }
            }
            let kept = (try await bench.meta("count"), try await bench.meta("sum"))
            let counted = try await bench.told("registry_recount")
            #expect(counted == [kept.0, kept.1], "\(seeded)")
            #expect(try await bench.send("ZCARD", bench.prefix + "services").integer == Int64(kept.0), "\(seeded)")
        }
    }

    @Test func `chain every entry of the log to the one before`() async throws {
        try await FunctionBench.run { bench in
            for number in 0..<20 { try await bench.register("s\(number % 7)", lease: String(number + 1)) }
            try await bench.call("service_remove", "s1", "9000000000000000", "", "t", "")
            try await bench.register("s1")
            let log = try await bench.send("XRANGE", bench.prefix + "log", "-", "+").array ?? []
            var before = "0"
            for entry in log {
                #expect(entry.array?[1].array?[5].string == before)
                before = String((entry.array?[0].string ?? "").dropLast(2))
            }
            #expect(log.count == 22)
            #expect(try await bench.meta("epoch") == before)
        }
    }

    @Test func `begin anew where an operator deleted the meta data`() async throws {
        try await FunctionBench.run { bench in
            try await bench.register("a")
            let (generation, epoch) = (try await bench.meta("generation"), try await bench.meta("epoch"))
            _ = try await bench.send("DEL", bench.prefix + "meta")
            #expect(try await bench.toldOnRegistering("b")[2] == epoch, "the log goes on where it was")
            #expect(try await bench.meta("generation") != generation)
            #expect(try await bench.meta("count") == "2")
        }
    }

    @Test func `read while Redis refuses writes`() async throws {
        let fixture = try await RedisFixture.start(["--maxmemory-policy", "noeviction"])
        let library = FunctionBench.library
        try await fixture.withClient(library: library) { redis in
            let bench = FunctionBench(redis: redis, prefix: "mm:{full}:")
            let epoch = try await bench.toldOnRegistering("a")[1]
            let generation = try await bench.meta("generation")
            _ = try await bench.send("CONFIG", "SET", "maxmemory", "1")
            #expect(try await bench.told("registry_sync", generation, epoch, "10")[0] == "unchanged")
            #expect(try await bench.told("registry_page", "service", "0", "", "10")[0] == "end")
            await #expect(throws: RedisError.self) { try await bench.register("b") }
        }
        await fixture.stop()
    }
}
