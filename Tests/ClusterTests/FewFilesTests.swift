import ManagerTesting
import Testing

/// What a replica lacks itself must neither end it nor be put on the instances: breakers and verdicts are everybody's.
@Suite struct `A replica that may open few files` {
    private static let predict = #"{"model_type": "LSTM", "data": [1]}"#

    @Test func `turns callers away, and has enough for those it took and for itself`() async throws {
        // Closes after each answer, so that each request needs a connection of its own.
        let stub = try await StubUpstream.start { _, _ in
            [.send(StubUpstream.json("1", headers: "connection: close\r\n")), .close]
        }
        let replica = try await LocalReplica.start(filesMax: 200)
        #expect(
            try await replica.client.registers(
                #"{"service_id": "a", "service_url": "\#(stub.url)", "model_type": "LSTM", "capabilities": ["prediction"]}"#
            )
        )
        let port = try #require(replica.manager.url.split(separator: ":").last.flatMap { Int($0) })
        var callers: [Caller] = []
        for _ in 0..<300 { callers.append(try await Caller.connect(port: port)) }
        let crowd = callers
        #expect(try await eventually(within: .seconds(30)) { crowd.count { $0.isClosed } >= 250 })
        let taken = try #require(crowd.first { !$0.isClosed })

        for number in 1...20 {
            let answer = try await Self.ask(taken, "POST /predict", Self.predict, number: number)
            #expect(answer.status == 200, "\(answer.body)")
        }
        let health = try await Self.ask(taken, "GET /services/a/health?probe=true", number: 21).body
        #expect(health.contains(#""status":"healthy""#), "\(health)")
        #expect(health.contains(#""state":"closed","failures":0"#), "\(health)")

        for caller in crowd { await caller.close() }
        #expect(
            try await eventually(within: .seconds(30)) {
                try await PlainClient(replica.manager.url).post("/predict", Self.predict).status == 200
            }
        )
        await stub.stop()
    }

    private static func ask(_ caller: Caller, _ what: String, _ body: String? = nil, number: Int) async throws
        -> CallerAnswer
    {
        let form = body.map { "content-type: application/json\r\ncontent-length: \($0.utf8.count)\r\n" } ?? ""
        try await caller.send("\(what) HTTP/1.1\r\nhost: m\r\nx-mm-max-retries: 0\r\n\(form)\r\n\(body ?? "")")
        return try await caller.answers(number)[number - 1]
    }
}
