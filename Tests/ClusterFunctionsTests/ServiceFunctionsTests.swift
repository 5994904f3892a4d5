import ManagerTesting
import RedisClient
import Testing

@Suite struct `The service functions` {
    @Test func `register once, change once, and say so`() async throws {
        try await FunctionBench.run { bench in
            let created = try await bench.toldOnRegistering("a")
            #expect(created[0] == "created")
            #expect(created[2] == "0", "nothing was before the first change")
            #expect(try await bench.toldOnRegistering("a")[0...1] == ["same", created[1]])
            let changed = try await bench.toldOnRegistering("a", lease: "30")
            #expect(changed[0] == "changed")
            #expect(changed[2] == created[1], "the entry names the epoch before it")
            let key = bench.prefix + "service:a"
            #expect(try await bench.send("HGET", key, "registered_epoch").string == created[1])
            #expect(try await bench.send("HGET", key, "epoch").string == changed[1])
        }
    }

    @Test func `keep the fields that nobody names, and drop those named empty`() async throws {
        try await FunctionBench.run { bench in
            try await bench.call("service_register", "a", "0", "", "test", "weight", "5", "from_the_future", "x")
            try await bench.call("service_register", "a", "0", "", "test", "weight", "", "timeout", "3")
            let key = bench.prefix + "service:a"
            #expect(try await bench.send("HGET", key, "from_the_future").string == "x")
            #expect(try await bench.send("HGET", key, "weight").isNull)
            #expect(try await bench.send("HGET", key, "timeout").string == "3")
        }
    }

    @Test func `change nothing when the service is not as expected`() async throws {
        try await FunctionBench.run { bench in
            let epoch = try await bench.toldOnRegistering("a")[1]
            #expect(try await bench.told("service_register", "a", "0", "0", "t", "weight", "1")[0] == "conflict")
            #expect(try await bench.told("service_register", "a", "0", "7", "t", "weight", "1")[0] == "conflict")
            #expect(try await bench.told("service_remove", "a", "0", "7", "t", "")[0] == "conflict")
            #expect(try await bench.meta("epoch") == epoch)
            #expect(
                try await bench.told("service_register", "a", "0", epoch, "t", "weight", "1")[0] == "changed"
            )
        }
    }

    @Test func `answer absent for a service that is not there`() async throws {
        try await FunctionBench.run { bench in
            for words in [
                ["service_patch", "a", "0", "", "t", "weight", "1"], ["service_drain", "a", "0", "true", "t"],
                ["service_remove", "a", "0", "", "t", ""], ["service_heartbeat", "a"],
            ] {
                let reply = texts(try await bench.call(words[0], Array(words.dropFirst())))
                #expect(reply == ["absent"], "\(words)")
            }
            let trace = try await bench.send("EXISTS", bench.prefix + "meta").integer
            #expect(trace == 0, "asking leaves no trace")
        }
    }

    @Test func `let the file remove only what is still the file's`() async throws {
        try await FunctionBench.run { bench in
            try await bench.call("service_register", "a", "0", "", "t", "source", "file")
            try await bench.call("service_register", "a", "0", "", "t", "source", "api")
            #expect(try await bench.told("service_remove", "a", "0", "", "t", "file")[0] == "conflict")
            #expect(try await bench.told("service_remove", "a", "0", "", "t", "api")[0] == "removed")
        }
    }

    @Test func `keep a drain through a change`() async throws {
        try await FunctionBench.run { bench in
            try await bench.register("a")
            #expect(try await bench.told("service_drain", "a", "0", "true", "t")[0] == "changed")
            #expect(try await bench.told("service_drain", "a", "0", "true", "t")[0] == "same")
            try await bench.register("a", lease: "9")
            #expect(try await bench.send("HGET", bench.prefix + "service:a", "draining").string == "true")
            #expect(try await bench.told("service_drain", "a", "0", "false", "t")[0] == "changed")
        }
    }

    @Test func `never let the epoch go back, not below the caller's either`() async throws {
        try await FunctionBench.run { bench in
            let future = 9_000_000_000_000_000
            let first = try await bench.call("service_register", "a", String(future), "", "t", "weight", "1")
            #expect(texts(first)[1] == String(future + 1))
            #expect(try await bench.toldOnRegistering("b")[1...2] == [String(future + 2), String(future + 1)])
        }
    }

    @Test func `tell the events who did what`() async throws {
        try await FunctionBench.run { bench in
            try await bench.register("a")
            try await bench.call("service_patch", "a", "0", "", "bob", "weight", "7")
            try await bench.call("service_remove", "a", "0", "", "bob", "")
            let events = try await bench.send("XRANGE", bench.prefix + "events", "-", "+").array ?? []
            let lines = events.map { texts($0.array?[1].array ?? []) }
            #expect(
                lines.map { "\($0[1]) \($0[3]) \($0[5]) \($0[9])" } == [
                    "test registered a service_url model_type", "bob changed a weight", "bob removed a ",
                ]
            )
        }
    }
}
