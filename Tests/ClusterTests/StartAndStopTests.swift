import Foundation
import ManagerTesting
import Testing

/// How a replica starts, refuses to start, and leaves.
@Suite struct `Starting and stopping` {
    @Test(arguments: [
        ("MAX_RETRIES", "many", "a whole number from 0 to 100"), ("SERVICE_TIMEOUT", "-1", "seconds from"),
        ("LOAD_BALANCING_STRATEGY", "fastest", "one of round_robin"), ("LOG_LEVEL", "info", "one of TRACE"),
        ("API_PORT", "70000", "from 0 to 65535"),
        ("AUTH_KEYS_FILE", "keys.json", "does not support it yet"), ("SERVICES_CONFIG", "missing.json", "missing.json"),
        ("REDIS_URL", "gopher://x", "redis+sentinel"), ("API_HOST", "192.0.2.1", "an address of this machine"),
        ("API_HOST", "no..host", "an address of this machine"), ("DENIED_SERVICE_HOSTS", "10.0.0.0/40", "is neither"),
    ])
    func `a wrong value stops the start with 78 and one line that names it`(
        name: String,
        value: String,
        allowed: String
    ) async throws {
        let folder = try ScratchFolder()
        let program = try await RunningProgram.start(
            ProgramFolder.program("model-manager"),
            ["serve"],
            environment: ["API_PORT": "0", "API_HOST": "127.0.0.1", "DATA_DIR": folder.path].merging([name: value]) {
                $1
            },
            directory: folder.path,
            waitsForReady: false
        )
        #expect(try await program.exitCode(within: .seconds(20)) == 78)
        // The line may still be on its way when the program has ended.
        _ = try await program.errorLine(containing: "model-manager:", within: .seconds(10))
        let lines = program.standardError.split(separator: "\n").filter { $0.hasPrefix("model-manager:") }
        #expect(lines.count == 1, "\(program.standardError)")
        #expect(lines.first?.contains(name) == true)
        #expect(lines.first?.contains(allowed) == true, "\(program.standardError)")
    }

    @Test(arguments: ["2>/dev/full", "2>&-", "</dev/null 2> >(exec 0<&-)"])
    func `a log that nobody can read is no reason to end`(redirection: String) async throws {
        let folder = try ScratchFolder()
        let program = try await RunningProgram.start(
            "/bin/bash",
            ["-c", "exec \"$0\" serve \(redirection)", ProgramFolder.program("model-manager")],
            environment: ["API_PORT": "0", "API_HOST": "127.0.0.1", "DATA_DIR": folder.path, "DRAIN_DELAY": "0"],
            directory: folder.path
        )
        #expect(try await PlainClient(program.url).get("/health").status == 200)
        program.signal(SIGTERM)
        #expect(try await program.exitCode(within: .seconds(30)) == 0)
    }

    @Test(arguments: [">/dev/full", ">&-"]) func `nor is a standard output that takes nothing`(
        redirection: String
    ) async throws {
        let folder = try ScratchFolder()
        let program = try await RunningProgram.start(
            "/bin/bash",
            ["-c", "exec \"$0\" serve \(redirection)", ProgramFolder.program("model-manager")],
            environment: ["API_PORT": "0", "API_HOST": "127.0.0.1", "DATA_DIR": folder.path, "DRAIN_DELAY": "0"],
            directory: folder.path,
            waitsForReady: false
        )
        let serving = try #require(try await program.errorLine(containing: "serving mm.address=", within: .seconds(60)))
        let address = try #require(serving.split(separator: " ").first { $0.hasPrefix("mm.address=") })
        #expect(try await PlainClient("http://\(address.dropFirst(11))").get("/health").status == 200)
        program.signal(SIGTERM)
        #expect(try await program.exitCode(within: .seconds(30)) == 0)
    }

    @Test func `a second manager on one folder refuses with 75 and names the holder`() async throws {
        let replica = try await LocalReplica.start()
        let second = try await replica.startSecondManager()
        #expect(try await second.exitCode(within: .seconds(20)) == 75)
        #expect(second.standardError.contains("\(replica.manager.pid)"), "\(second.standardError)")
        #expect(try await replica.client.get("/health").status == 200)
    }

    @Test func `a taken port stops the start with a clear line`() async throws {
        let replica = try await LocalReplica.start()
        let port = replica.manager.url.split(separator: ":").last.map(String.init) ?? ""
        let folder = try ScratchFolder()
        let second = try await RunningProgram.start(
            ProgramFolder.program("model-manager"),
            ["serve", "--api-port", port, "--api-host", "127.0.0.1", "--data-dir", folder.path],
            directory: folder.path,
            waitsForReady: false
        )
        #expect(try await second.exitCode(within: .seconds(20)) == 1)
        // The line may still be on its way when the program has ended.
        #expect(try await second.errorLine(containing: port, within: .seconds(10)) != nil, "\(second.standardError)")
    }

    @Test func `SIGTERM ends a replica with 0, its Redis too, and cuts nothing that runs`() async throws {
        let replica = try await LocalReplica.start()
        let service = try await replica.startService("lstm_a")
        let redis = try #require(`An acknowledged registration`.redisProcess(of: replica))
        _ = try await PlainClient(service.url).post("/_fault", #"{"delay_ms": 3000}"#)
        let client = replica.client
        async let slow = client.post("/predict", LocalReplica.predict)
        #expect(
            try await eventually(within: .seconds(10)) {
                try await client.get("/services/lstm_a").body.contains(#""in_flight":1"#)
            }
        )
        replica.manager.signal(SIGTERM)
        let answer = try await slow
        #expect(answer.status == 200)
        #expect(try await replica.manager.exitCode(within: .seconds(20)) == 0)
        #expect(try await eventually(within: .seconds(5)) { kill(redis, 0) != 0 })
    }

    @Test(arguments: [false, true]) func `requests that cannot end in time are cut, counted and told with 1`(
        isToldTwice: Bool
    ) async throws {
        let grace = isToldTwice ? "60" : "0.2"
        let replica = try await LocalReplica.start(["SHUTDOWN_GRACE": grace, "SERVICE_TIMEOUT": "60"])
        let service = try await replica.startService("lstm_a")
        _ = try await PlainClient(service.url).post("/_fault", #"{"delay_ms": 50000}"#)
        let client = replica.client
        async let slow = try? client.post("/predict", LocalReplica.predict)
        let isUnderWay = try await eventually(within: .seconds(20)) {
            try await client.get("/services/lstm_a").body.contains(#""in_flight":1"#)
        }
        #expect(isUnderWay)
        replica.manager.signal(SIGTERM)
        #expect(try await replica.manager.errorLine(containing: "leaving", within: .seconds(20)) != nil)
        if isToldTwice { replica.manager.signal(SIGTERM) }
        #expect(try await replica.manager.exitCode(within: .seconds(30)) == 1)
        #expect(replica.manager.standardError.contains("mm.count=1"), "\(replica.manager.standardError)")
        #expect(replica.manager.standardError.contains("1 requests were cut"))
        _ = await slow
        service.signal(SIGTERM)
    }

    @Test func `drain has a replica leave, waits for it, and tells it once however often it is called`() async throws {
        let stub = try await StubUpstream.start { _, request in
            (request.hasPrefix("POST") ? [.hold] : []) + [.send(StubUpstream.json("1")), .next]
        }
        let replica = try await LocalReplica.start()
        let (client, url) = (replica.client, replica.manager.url)
        #expect(
            try await client.registers(
                #"{"service_id": "a", "service_url": "\#(stub.url)", "model_type": "LSTM", "capabilities": ["prediction"]}"#
            )
        )
        async let slow = client.post("/predict", LocalReplica.predict)
        #expect(try await eventually(within: .seconds(20)) { stub.requests.contains { $0.hasPrefix("POST") } })
        let drain = ["drain", "--data-dir", replica.folder.path + "/data", "--wait"]
        async let first = `The commands`.run(drain + ["60"], at: url)
        #expect(try await replica.manager.errorLine(containing: "leaving", within: .seconds(20)) != nil)
        #expect(try await `The commands`.run(drain + ["0"], at: url).code == 0)
        #expect(try await `The commands`.run(drain + ["0.1"], at: url).code == 75)
        stub.release()
        #expect(try await slow.status == 200)
        #expect(try await first.code == 0)
        #expect(try await replica.manager.exitCode(within: .seconds(20)) == 0)
        #expect(try await `The commands`.run(drain + ["15"], at: url).code == 69)
        await stub.stop()
    }

    @Test func `two replicas of one Redis cannot share a data directory`() async throws {
        let fixture = try await RedisFixture.shared()
        let replica = try await LocalReplica.start(["REDIS_URL": fixture.url, "REDIS_KEY_PREFIX": fixture.prefix()])
        let second = try await replica.startSecondManager()
        #expect(try await second.exitCode(within: .seconds(20)) == 75)
    }

    @Test func `the probe port serves the two probes and nothing else`() async throws {
        let replica = try await LocalReplica.start(["PROBE_PORT": "0", "DRAIN_DELAY": "3"])
        let line = try #require(
            try await replica.manager.errorLine(containing: "serving probes", within: .seconds(20))
        )
        let port = try #require(line.firstMatch(of: /127\.0\.0\.1:(\d+)/)).1
        let probes = PlainClient("http://127.0.0.1:\(port)")
        #expect(try await probes.get("/health/ready").status == 200)
        #expect(try await probes.get("/health/live").status == 200)
        for path in ["/health", "/services", "/metrics"] { #expect(try await probes.get(path).status == 404) }
        replica.manager.signal(SIGTERM)
        #expect(
            try await eventually(within: .seconds(3)) { try await probes.get("/health/ready").status == 503 }
        )
        #expect(try await probes.get("/health/live").status == 200)
        #expect(try await replica.manager.exitCode(within: .seconds(30)) == 0)
    }

    @Test func `a killed manager leaves no Redis behind`() async throws {
        let replica = try await LocalReplica.start()
        let redis = try #require(`An acknowledged registration`.redisProcess(of: replica))
        replica.manager.signal(SIGKILL)
        #expect(try await eventually(within: .seconds(10)) { kill(redis, 0) != 0 })
    }
}
