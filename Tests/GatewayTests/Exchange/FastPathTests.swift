import ManagerTesting
import Testing

@testable import Gateway

@Suite struct `The fast path` {
    @Test func `brings a body to an instance and its answer back, byte for byte`() async throws {
        let stub = try await StubUpstream.answering(
            StubUpstream.json(#"{"prediction": 4.2}"#, headers: "x-model: tiny\r\nconnection: keep-alive\r\n")
        )
        try await Setting.run { setting in
            setting.register([try Setting.service("a", at: stub.url + "/base")])
            let body = #"{ "model_type" : "LSTM", "data": [1, 2.50, "ü"]}"#
            let answer = try await setting.predict(
                body,
                headers: "authorization: Bearer x\r\nx-own: 1\r\nx-request-id: req-7\r\n"
            )
            #expect(answer.status == 200)
            #expect(answer.body == #"{"prediction": 4.2}"#)
            #expect(answer["x-model"] == "tiny")
            #expect(answer["x-request-id"] == "req-7")
            #expect(answer["x-mm-service"] == "a")
            #expect(answer["x-mm-instance"] == stub.url + "/base")
            #expect(answer["x-mm-model-version"] == "default")
            #expect(answer["x-mm-attempts"] == "1")
            #expect(answer["x-mm-replica"] == "r1")
            #expect(answer["x-mm-upstream-ms"] != nil)
            #expect(answer["connection"] == nil)
            let request = try #require(stub.requests.first)
            #expect(request.hasPrefix("POST /base/predict HTTP/1.1\r\nhost: 127.0.0.1:\(stub.port)\r\n"))
            #expect(request.hasSuffix("\r\n\r\n" + body))
            #expect(request.contains("x-own: 1\r\n"))
            #expect(request.contains("x-request-id: req-7\r\n"))
            #expect(request.contains("via: 1.1 model-manager-r1\r\n"))
            #expect(request.contains("traceparent: 00-"))
            #expect(!request.contains("Bearer"))
            #expect(stub.requests.count == 1)
        }
        await stub.stop()
    }

    @Test func `takes turns`() async throws {
        let stubs = [
            try await StubUpstream.answering(StubUpstream.json("0")),
            try await StubUpstream.answering(StubUpstream.json("1")),
            try await StubUpstream.answering(StubUpstream.json("2")),
        ]
        try await Setting.run { setting in
            setting.register(try stubs.enumerated().map { try Setting.service("s\($0)", at: $1.url) })
            let caller = try await setting.caller()
            for _ in 0..<30 { try await caller.send(Setting.request()) }
            let answers = try await caller.answers(30)
            #expect(answers.map(\.body) == (0..<30).map { String($0 % 3) })
            #expect(stubs.map(\.requests.count) == [10, 10, 10])
            #expect(stubs.map(\.connections) == [1, 1, 1])
        }
        for stub in stubs { await stub.stop() }
    }

    @Test func `answers mixed pipelined requests in their order`() async throws {
        let stub = try await StubUpstream.start { number, _ in [.send(StubUpstream.json("\(number)")), .next] }
        try await Setting.run { setting in
            setting.register([try Setting.service("a", at: stub.url)])
            let caller = try await setting.caller()
            let get = "GET /health HTTP/1.1\r\nhost: m\r\n\r\n"
            let post = "POST /other HTTP/1.1\r\nhost: m\r\ncontent-length: 3\r\n\r\nabc"
            try await caller.send(
                Setting.request() + get + Setting.request() + Setting.request() + get + post + Setting.request()
            )
            let bodies = try await caller.answers(7).map(\.body)
            #expect(
                bodies == [
                    "0", "general GET /health ", "1", "2", "general GET /health ", "general POST /other abc", "3",
                ]
            )
        }
        await stub.stop()
    }

    @Test func `fails over to another instance without the caller noticing`() async throws {
        let dead = try await StubUpstream.answering("")
        await dead.kill()
        let live = try await StubUpstream.answering(StubUpstream.json("live"))
        try await Setting.run { setting in
            setting.register([try Setting.service("a", at: dead.url), try Setting.service("b", at: live.url)])
            for _ in 0..<10 {
                let answer = try await setting.predict()
                #expect(answer.status == 200)
                #expect(answer.body == "live")
            }
        }
        await live.stop()
    }
}
