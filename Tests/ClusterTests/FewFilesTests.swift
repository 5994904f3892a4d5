import ManagerTesting
import Testing

/// What a replica lacks itself must not be put on the instances: the breakers and verdicts are everybody's.
@Suite struct `A replica that may open no more files` {
    private static let predict = #"{"model_type": "LSTM", "data": [1]}"#

    @Test func `says that it is overloaded, blames no instance, and goes on when it may`() async throws {
        // Closes after each answer, so that each request needs a connection of its own.
        let stub = try await StubUpstream.start { _, _ in
            [.send(StubUpstream.json("1", headers: "connection: close\r\n")), .close]
        }
        let replica = try await LocalReplica.start()
        #expect(
            try await replica.client.registers(
                #"{"service_id": "a", "service_url": "\#(stub.url)", "model_type": "LSTM", "capabilities": ["prediction"]}"#
            )
        )
        let port = try #require(replica.manager.url.split(separator: ":").last.flatMap { Int($0) })
        let caller = try await Caller.connect(port: port)
        #expect(try await Self.ask(caller, number: 1).status == 200)

        try await Self.limitFiles(of: replica.manager.pid, to: 3)
        for number in 2...9 {
            let answer = try await Self.ask(caller, number: number)
            #expect(answer.status == 503)
            #expect(answer.body.contains(#""code":"overloaded""#), "\(answer.body)")
            #expect(answer.body.contains(#""outcome":"exhausted""#), "\(answer.body)")
        }
        for number in 10...14 {
            let health = try await Self.get("/services/a/health?probe=true", caller, number: number).body
            #expect(health.contains(#""status":"healthy""#), "\(health)")
            #expect(health.contains(#""state":"closed","failures":0"#), "\(health)")
        }
        let metrics = try await Self.get("/metrics", caller, number: 15).body
        let failed = try #require(metrics.firstMatch(of: /health_probes_total\{result="failed"\} (\d+)/)).1
        #expect(try #require(Int(failed)) >= 5, "the probes were made")

        try await Self.limitFiles(of: replica.manager.pid, to: 1024)
        let after = try await PlainClient(replica.manager.url).post("/predict", Self.predict)
        #expect(after.status == 200, "\(after.body)")
        await caller.close()
        await stub.stop()
    }

    private static func ask(_ caller: Caller, number: Int) async throws -> CallerAnswer {
        try await caller.send(
            "POST /predict HTTP/1.1\r\nhost: m\r\nx-mm-max-retries: 0\r\ncontent-type: application/json\r\n"
                + "content-length: \(self.predict.utf8.count)\r\n\r\n\(self.predict)"
        )
        return try await caller.answers(number)[number - 1]
    }

    private static func get(_ path: String, _ caller: Caller, number: Int) async throws -> CallerAnswer {
        try await caller.send("GET \(path) HTTP/1.1\r\nhost: m\r\n\r\n")
        return try await caller.answers(number)[number - 1]
    }

    private static func limitFiles(of process: Int32, to count: Int) async throws {
        let command = try await RunningProgram.start(
            "/usr/bin/prlimit",
            ["--pid", "\(process)", "--nofile=\(count):"],
            waitsForReady: false
        )
        #expect(try await command.exitCode(within: .seconds(20)) == 0, "\(command.standardError)")
    }
}
