import Gateway
import ManagerTesting
import Registry
import Testing

@Suite struct `Problems on the fast path` {
    struct Case: Sendable, CustomTestStringConvertible {
        var body: String
        var headers = ""
        var status: Int
        var code: String
        var text = ""
        var testDescription: String { "\(self.code): \(self.body.prefix(60)) \(self.headers)" }
    }

    @Test(arguments: [
        Case(body: "", status: 400, code: "invalid_request"),
        Case(body: "{", status: 400, code: "invalid_request", text: "byte"),
        Case(body: #"{"model_type":"LSTM","data":[1,]}"#, status: 400, code: "invalid_request", text: "byte"),
        Case(body: #"{"model_type":"LSTM","data":NaN}"#, status: 400, code: "invalid_request"),
        Case(body: #"{"model_type":"LSTM"} x"#, status: 400, code: "invalid_request"),
        Case(body: #"{"model_type":"LSTM","model_type":"GRU"}"#, status: 400, code: "invalid_request", text: "twice"),
        Case(
            body: #"{"model_type":"LSTM","d":"# + String(repeating: "[", count: 500),
            status: 400,
            code: "invalid_request"
        ),
        Case(body: #"[1]"#, status: 422, code: "validation_error", text: #""loc":["body"]"#),
        Case(body: #"{"data":[1]}"#, status: 422, code: "validation_error", text: #""loc":["body","model_type"]"#),
        Case(body: #"{"model_type":5}"#, status: 422, code: "validation_error", text: #""msg":"must be a string""#),
        Case(
            body: #"{"model_type":"LSTM","model_version":5}"#,
            status: 422,
            code: "validation_error",
            text: "model_version"
        ),
        Case(body: #"{"model_type":"LSTM","aggregate":{}}"#, status: 422, code: "validation_error", text: "aggregate"),
        Case(body: #"{"model_type":"GRU"}"#, status: 404, code: "model_not_found", text: "GRU"),
        Case(body: #"{"model_type":"<script>"}"#, status: 404, code: "model_not_found"),
        Case(body: #"{"model_type":"LSTM","model_version":"v9"}"#, status: 404, code: "version_not_found", text: "v9"),
        Case(body: #"{"model_type":"Trainer"}"#, status: 409, code: "capability_mismatch"),
        Case(body: #"{"model_type":"LSTM","model_version":"gone"}"#, status: 503, code: "no_healthy_service"),
        Case(
            body: "{}",
            headers: "x-mm-timeout-ms: soon\r\n",
            status: 400,
            code: "invalid_request",
            text: "x-mm-timeout-ms"
        ),
        Case(
            body: "{}",
            headers: "x-mm-max-retries: 11\r\n",
            status: 400,
            code: "invalid_request",
            text: "x-mm-max-retries"
        ),
        Case(body: "{}", headers: "via: 1.1 model-manager-r1\r\n", status: 400, code: "invalid_request", text: "loop"),
    ]) func `name themselves`(problem: Case) async throws {
        let stub = try await StubUpstream.answering(StubUpstream.json("{}"))
        try await Setting.run { setting in
            let type = try #require(ModelType("LSTM"))
            let (gone, v8) = (try #require(ModelVersion("gone")), try #require(ModelVersion("v8")))
            var trainer = try Setting.service("t", at: stub.url)
            trainer.modelType = try #require(ModelType("Trainer"))
            trainer.capabilities = ["training"]
            setting.register(
                [try Setting.service("a", at: stub.url), trainer],
                pointers: [type: ModelPointers(aliases: [gone: v8])]
            )
            let answer = try await setting.predict(problem.body, headers: problem.headers)
            #expect(answer.status == problem.status)
            #expect(answer["x-mm-error-code"] == problem.code)
            #expect(answer["content-type"] == "application/json")
            #expect(answer["x-mm-replica"] == "r1")
            #expect(answer.body.contains(#""code":"\#(problem.code)""#))
            #expect(answer.body.contains(problem.text), "\(answer.body)")
            #expect(answer.body.contains(#""request_id":"\#(answer["x-request-id"] ?? "?")""#))
            #expect(!answer.body.contains("<"))
            #expect(problem.status != 503 || answer["retry-after"] != nil)
            #expect(stub.requests.isEmpty)
        }
        await stub.stop()
    }

    @Test(arguments: [
        ("application/json", 200), ("Application/JSON", 200), ("application/json; charset=utf-8", 200),
        ("application/problem+json", 200), ("text/plain", 415), ("application/x-www-form-urlencoded", 415), ("", 415),
    ]) func `refuse bodies that do not call themselves JSON`(type: String, status: Int) async throws {
        let stub = try await StubUpstream.answering(StubUpstream.json("{}"))
        try await Setting.run { setting in
            setting.register([try Setting.service("a", at: stub.url)])
            let caller = try await setting.caller()
            let body = #"{"model_type":"LSTM"}"#
            try await caller.send(
                "POST /predict HTTP/1.1\r\nhost: m\r\ncontent-type: \(type)\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)"
            )
            #expect(try await caller.answer().status == status)
        }
        await stub.stop()
    }

    @Test func `leave the connection usable`() async throws {
        let stub = try await StubUpstream.answering(StubUpstream.json("{}"))
        try await Setting.run { setting in
            setting.register([try Setting.service("a", at: stub.url)])
            let caller = try await setting.caller()
            try await caller.send(Setting.request("[]") + Setting.request(#"{"model_type":"no"}"#) + Setting.request())
            #expect(try await caller.answers(3).map(\.status) == [422, 404, 200])
            let statistics = await setting.plane.statistics()
            #expect(statistics.problems == ["validation_error": 1, "model_not_found": 1])
            #expect(statistics.requests == 3)
            #expect(statistics.failures == 2)
            #expect(statistics.answers == [0, 1, 0, 2, 0])
        }
        await stub.stop()
    }

    @Test func `say overloaded when only room lacks`() async throws {
        let stub = try await StubUpstream.start { _, _ in [.hold, .send(StubUpstream.json("{}")), .next] }
        try await Setting.run({ $0.queueTimeout = .milliseconds(100) }) { setting in
            setting.register([try Setting.service("a", at: stub.url) { $0.concurrentRequestsMax = 2 }])
            let callers = [try await setting.caller(), try await setting.caller()]
            for caller in callers { try await caller.send(Setting.request()) }
            #expect(try await eventually(within: .seconds(5)) { stub.requests.count == 2 })
            let answer = try await setting.predict()
            #expect(answer.status == 503)
            #expect(answer["x-mm-error-code"] == "overloaded")
            #expect(answer["retry-after"] == "1")
            stub.release()
            for caller in callers { #expect(try await caller.answer().status == 200) }
            #expect(try await setting.predict().status == 200)
        }
        await stub.stop()
    }

    @Test func `versions and aliases lead to their services`() async throws {
        let stubs = [
            try await StubUpstream.answering(StubUpstream.json("v1")),
            try await StubUpstream.answering(StubUpstream.json("v2")),
        ]
        try await Setting.run { setting in
            let services = [
                try Setting.service("a", at: stubs[0].url, version: "v1"),
                try Setting.service("b", at: stubs[1].url, version: "v2"),
            ]
            setting.register(services)
            let asked = [
                "", #","model_version":"latest""#, #","model_version":null"#, #","model_version":"v1""#,
                #","model_version":"v2""#, #","model_version":"\u0076\u0032""#,
            ]
            var bodies: [String] = []
            for version in asked { bodies.append(try await setting.predict(#"{"model_type":"LSTM"\#(version)}"#).body) }
            #expect(bodies == ["v1", "v1", "v1", "v1", "v2", "v2"])
            let type = try #require(ModelType("LSTM"))
            let (v1, v2) = (try #require(ModelVersion("v1")), try #require(ModelVersion("v2")))
            setting.register(
                services,
                pointers: [type: ModelPointers(latest: v2, aliases: [try #require(ModelVersion("old")): v1])]
            )
            #expect(try await setting.predict().body == "v2")
            #expect(try await setting.predict(#"{"model_type":"LSTM","model_version":"old"}"#).body == "v1")
        }
        for stub in stubs { await stub.stop() }
    }
}
