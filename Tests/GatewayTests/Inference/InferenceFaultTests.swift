import Gateway
import ManagerTesting
import Registry
import Testing

/// What callers are told when a service answers with an error of its own form: always the form of the door they use.
@Suite struct `Errors of services` {
    private static func stub(_ body: String, _ status: String, headers: String = "") async throws -> StubUpstream {
        let length = "content-length: \(body.utf8.count)\r\n"
        let answer = "HTTP/1.1 \(status)\r\ncontent-type: application/json\r\n\(length)\(headers)\r\n\(body)"
        return try await `Inference through the data plane`.server(infer: answer)
    }

    struct Case: Sendable {
        var status: String
        var body: String
        var code: String
        var text: String
    }

    static let cases: [Case] = [
        Case(
            status: "400 Bad Request",
            body: #"{"error":"no such input"}"#,
            code: "invalid_request",
            text: "no such input"
        ),
        Case(
            status: "404 Not Found",
            body: #"{"detail":"Model LSTM not found"}"#,
            code: "not_found",
            text: "Model LSTM not found"
        ),
        Case(
            status: "422 Unprocessable Entity",
            body: #"{"detail":[{"loc":["body","inputs",0],"msg":"Field required","type":"missing"}]}"#,
            code: "validation_error",
            text: "body.inputs.0: Field required"
        ),
        Case(
            status: "500 Oh",
            body: #"{"code":500,"message":"worker died"}"#,
            code: "upstream_invalid",
            text: "worker died"
        ),
        Case(status: "503 No", body: "", code: "overloaded", text: "the service says no more"),
        Case(
            status: "418 Teapot",
            body: "<html>short and stout",
            code: "invalid_request",
            text: "<html>short and stout"
        ),
    ]

    @Test(arguments: Self.cases)
    func `reach a native caller as a problem with the service's words inside`(one: Case) async throws {
        let stub = try await Self.stub(one.body, one.status, headers: "retry-after: 7\r\n")
        try await Setting.run({ $0.retriesMax = 0 }) { setting in
            setting.register([try `Inference through the data plane`.oip("a", at: stub)])
            let caller = try await setting.caller()
            try await caller.send(Setting.request(headers: "x-request-id: q1\r\n") + Setting.request())
            for (place, answer) in try await caller.answers(2).enumerated() {
                #expect(String(answer.status) == one.status.prefix(3), "\(answer.body)")
                #expect(answer["x-mm-error-code"] == one.code)
                #expect(answer["retry-after"] == "7" && answer["x-mm-service"] == "a")
                #expect(answer["content-type"] == "application/json")
                let problem = try JSONValue.parse(answer.body)
                #expect(problem["error"]?.asString == "a answered \(one.status.prefix(3)): \(one.text)")
                #expect(problem["detail"]?.asString == one.text && problem["code"]?.asString == one.code)
                #expect(place == 1 || problem["request_id"] == "q1")
            }
            setting.register([])
            let after = try await setting.predict()
            #expect(after.status == 404 && after["x-mm-error-code"] == "model_not_found")
        }
        await stub.stop()
    }

    @Test(arguments: Self.cases)
    func `reach a client of the protocol under error`(one: Case) async throws {
        let stub = try await Self.stub(one.body, one.status, headers: "x-of-the-server: 1\r\n")
        let native = try await StubUpstream.answering(StubUpstream.json(one.body, status: one.status))
        try await Setting.run({ $0.retriesMax = 0 }) { setting in
            setting.register([
                try `Inference through the data plane`.oip("a", at: stub, version: "v1"),
                try Setting.service("b", at: native.url, version: "v2"),
            ])
            let body = #"{"inputs":[{"name":"x","datatype":"FP64","shape":[1],"data":[1]}]}"#
            for version in ["v1", "v2"] {
                let inference = try `Inference through the data plane`.inference(body, version: version)
                let answer = await setting.plane.exchange(inference)
                #expect(String(answer.status) == one.status.prefix(3))
                let text = try await `Inference through the data plane`.text(answer)
                #expect(try JSONValue.parse(text)["error"]?.asString == one.text, "\(version)")
                guard version == "v1", one.body.contains(#""error""#) else { continue }
                #expect(text == one.body, "what is in the protocol's form already stays as it is")
                #expect(answer.headers.contains { $0.name == "x-of-the-server" })
            }
        }
        await stub.stop()
        await native.stop()
    }

    @Test func `stay as they are when they are compressed`() async throws {
        let stub = try await Self.stub("zip", "400 No", headers: "content-encoding: gzip\r\n")
        try await Setting.run { setting in
            setting.register([try `Inference through the data plane`.oip("a", at: stub)])
            let answer = await setting.plane.exchange(try `Inference through the data plane`.inference("{}"))
            #expect(answer.status == 400)
            #expect(try await `Inference through the data plane`.text(answer) == "zip")
        }
        await stub.stop()
    }

    @Test func `are told by their beginning when they are long`() async throws {
        let stub = try await Self.stub(String(repeating: "x", count: 200_000), "400 No")
        try await Setting.run { setting in
            setting.register([try `Inference through the data plane`.oip("a", at: stub)])
            let native = try JSONValue.parse(try await setting.predict().body)
            #expect(native["detail"]?.asString?.count == ServiceErrorText.charactersMax)
            let answer = await setting.plane.exchange(try `Inference through the data plane`.inference("{}"))
            let error = try JSONValue.parse(try await `Inference through the data plane`.text(answer))["error"]
            #expect(answer.status == 400 && error?.asString?.count == ServiceErrorText.charactersMax)
        }
        await stub.stop()
    }
}
