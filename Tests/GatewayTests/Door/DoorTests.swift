import Gateway
import ManagerTesting
import NIOCore
import Registry
import Testing

@Suite struct `The door` {
    private func withStub(
        _ adjust: (inout DataPlaneSettings) -> Void = { _ in },
        _ body: (Setting, StubUpstream) async throws -> Void
    ) async throws {
        let stub = try await StubUpstream.answering(StubUpstream.json("{}"))
        try await Setting.run(adjust) { setting in
            setting.register([try Setting.service("a", at: stub.url)])
            try await body(setting, stub)
        }
        await stub.stop()
    }

    @Test func `understands a request wherever it is cut`() async throws {
        try await self.withStub { setting, stub in
            let request = Array(Setting.request(headers: "x-request-id: cut\r\n").utf8)
            let caller = try await setting.caller()
            for cut in 1..<request.count {
                try await caller.send(Array(request[..<cut]))
                // The door mostly reads the first part by itself then; it must understand it either way.
                try await Task.sleep(for: .microseconds(300))
                try await caller.send(Array(request[cut...]))
                #expect(try await caller.answers(cut).count == cut)
            }
            #expect(stub.requests.count == request.count - 1)
            #expect(Set(stub.requests.map { $0.hasSuffix(#"{"model_type":"LSTM","data":[1]}"#) }) == [true])
        }
    }

    @Test func `understands a request that comes byte by byte, mixed with others`() async throws {
        try await self.withStub({ $0.headTimeout = .seconds(300) }) { setting, stub in
            let get = "GET /health HTTP/1.1\r\nhost: m\r\n\r\n"
            let caller = try await setting.caller()
            for byte in (Setting.request() + get + Setting.request()).utf8 { try await caller.send([byte]) }
            #expect(try await caller.answers(3).map(\.body) == ["{}", "general GET /health ", "{}"])
            #expect(stub.requests.count == 2)
        }
    }

    /// Requests that the strict parser leaves to the general path, with what that path made of them.
    @Test(arguments: [
        (
            "POST /predict HTTP/1.1\r\nhost: m\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            "general POST /predict abc"
        ),
        ("POST /predict?x=1 HTTP/1.1\r\nhost: m\r\ncontent-length: 2\r\n\r\n{}", "general POST /predict?x=1 {}"),
        ("PUT /x HTTP/1.1\r\nhost: m\r\ncontent-length: 2\r\n\r\nab", "general PUT /x ab"),
        ("DELETE /services/a HTTP/1.1\r\nhost: m\r\n\r\n", "general DELETE /services/a "),
        ("GET /a HTTP/1.1\r\nhost: m\r\nhost: n\r\n\r\n", "general GET /a "),
        ("POST /predict HTTP/1.0\r\nhost: m\r\ncontent-length: 2\r\n\r\n{}", "general POST /predict {}"),
        (
            "POST /predict HTTP/1.1\r\nhost: m\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n{}",
            "general POST /predict {}"
        ),
        ("GET http://m/a HTTP/1.1\r\nhost: m\r\n\r\n", "general GET http://m/a "),
    ]) func `leaves what it does not know to the general path`(request: String, answer: String) async throws {
        try await self.withStub { setting, stub in
            let caller = try await setting.caller()
            try await caller.send(request)
            try await caller.until("the answer") { $0.hasSuffix(answer) }
            #expect(stub.requests.isEmpty)
        }
    }

    @Test func `does not take a connection back from the general path`() async throws {
        try await self.withStub { setting, stub in
            let caller = try await setting.caller()
            let chunked = "POST /x HTTP/1.1\r\nhost: m\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"
            try await caller.send(chunked + Setting.request("{}") + chunked)
            #expect(
                try await caller.answers(3).map(\.body) == [
                    "general POST /x a", "general POST /predict {}", "general POST /x a",
                ]
            )
            #expect(stub.requests.isEmpty)
        }
    }

    /// What two parsers could read in two ways must not reach an instance at all.
    @Test(arguments: [
        "content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "content-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        "content-length: +5\r\n\r\nhello", "content-length: 5,5\r\n\r\nhello", "content-length : 5\r\n\r\nhello",
        "content-length: 0x5\r\n\r\nhello", "content-length: -1\r\n\r\n",
        "content-length: 99999999999999999999\r\n\r\n",
        "transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n", "transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
        "content-length: 5\nx: y\r\n\r\nhello", "content-length: 5\r\n folded: x\r\n\r\nhello",
        "content-length: 5\r\nx\u{0}y: z\r\n\r\nhello", "\r\n\r\n",
    ]) func `sends no instance anything of a request with doubtful framing`(rest: String) async throws {
        try await self.withStub { setting, stub in
            let caller = try await setting.caller()
            try await caller.send("POST /predict HTTP/1.1\r\nhost: m\r\n" + rest + Setting.request())
            try await caller.channel.close(mode: .output).get()
            try await caller.until("an answer or the end", within: .seconds(5)) {
                !$0.isEmpty || caller.isClosed
            }
            #expect(stub.requests.count <= 1)
            for request in stub.requests { #expect(request.hasSuffix(#"{"model_type":"LSTM","data":[1]}"#)) }
        }
    }

    @Test func `refuses a body that is too large, and lets its caller read so`() async throws {
        try await self.withStub({ $0.bodyBytesMax = 1000 }) { setting, stub in
            let caller = try await setting.caller()
            let body = String(repeating: "x", count: 17 * 1024 * 1024)
            caller.push(.init(string: Setting.request(body)))
            let answer = try await caller.answer()
            #expect(answer.status == 413)
            #expect(answer["x-mm-error-code"] == "payload_too_large")
            #expect(answer["connection"] == "close")
            try await caller.untilClosed()
            #expect(stub.requests.isEmpty)
        }
    }

    @Test func `carries a body as large as allowed`() async throws {
        let stub = try await StubUpstream.start { _, request in
            [.send(StubUpstream.json("\(request.utf8.count)")), .next]
        }
        try await Setting.run { setting in
            setting.register([try Setting.service("a", at: stub.url)])
            let filler = String(repeating: "x", count: 16 * 1024 * 1024 - 40)
            let answer = try await setting.predict(#"{"model_type":"LSTM","data":""# + filler + #""}"#)
            #expect(answer.status == 200)
            #expect(try #require(Int(answer.body)) > 16 * 1024 * 1024 - 40)
        }
        await stub.stop()
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\nhost: m\r\nx: " + String(repeating: "a", count: 9000) + "\r\n\r\n",
        "GET /" + String(repeating: "a", count: 9000) + " HTTP/1.1\r\nhost: m\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: m\r\n" + String(repeating: "a: b\r\n", count: 101) + "\r\n",
        "GET / HTTP/1.1\r\nhost: m\r\n"
            + String(repeating: "a: " + String(repeating: "b", count: 8000) + "\r\n", count: 5) + "\r\n",
    ]) func `refuses a head that is too large`(request: String) async throws {
        try await self.withStub { setting, stub in
            let caller = try await setting.caller()
            try await caller.send(request)
            let answer = try await caller.answer()
            #expect(answer.status == 431)
            #expect(answer["x-mm-error-code"] == "headers_too_large")
            try await caller.untilClosed()
        }
    }

    @Test func `does not wait for ever for the rest of a head`() async throws {
        try await self.withStub({
            $0.headTimeout = .seconds(1)
            $0.idleTimeout = .seconds(600)
        }) { setting, stub in
            let caller = try await setting.caller()
            try await caller.send("POST /predict HTTP/1.1\r\nhost:")
            #expect(try await caller.answer().status == 408)
            try await caller.untilClosed()
            #expect(stub.requests.isEmpty)
        }
    }

    @Test func `does not wait for ever for another request, or for the rest of a body`() async throws {
        try await self.withStub({
            $0.headTimeout = .seconds(600)
            $0.idleTimeout = .seconds(2)
        }) { setting, stub in
            let idle = try await setting.caller()
            let body = try await self.stalled(
                in: "POST /predict HTTP/1.1\r\nhost: m\r\ncontent-length: 100\r\n\r\n{",
                setting
            )
            let answer = try await body.answer()
            #expect((answer.status, answer["x-mm-error-code"]) == (408, "request_timeout"))
            for caller in [idle, body] { try await caller.untilClosed() }
            #expect(idle.received.isEmpty)
            #expect(stub.requests.isEmpty)
        }
    }

    /// A caller who sent this and was heard. On a busy machine one may be taken for idle before he says a word.
    private func stalled(in text: String, _ setting: Setting) async throws -> Caller {
        for _ in 0..<10 {
            let caller = try await setting.caller()
            try? await caller.send(text)
            try await caller.until("an answer, or the end") { !$0.isEmpty || caller.isClosed }
            if !caller.received.isEmpty { return caller }
        }
        return try await setting.caller()
    }

    @Test func `closes when asked to, after the answer`() async throws {
        try await self.withStub { setting, stub in
            let caller = try await setting.caller()
            try await caller.send(Setting.request(headers: "connection: close\r\n") + Setting.request())
            try await caller.untilClosed()
            let answers = CallerAnswer.all(in: caller.received)
            #expect(answers.count == 1)
            #expect(answers.first?["connection"] == "close")
            #expect(stub.requests.count == 1)
        }
    }

    @Test func `accepts no more connections than allowed`() async throws {
        try await self.withStub({ $0.connectionsMax = 2 }) { setting, stub in
            let callers = [try await setting.caller(), try await setting.caller()]
            for caller in callers {
                try await caller.send(Setting.request())
                _ = try await caller.answer()
            }
            let third = try await setting.caller()
            try await third.untilClosed()
            await callers[0].close()
            #expect(
                try await eventually(within: .seconds(20)) {
                    let caller = try await setting.caller()
                    try? await caller.send(Setting.request())
                    try await caller.until("an answer or the end") { !$0.isEmpty || caller.isClosed }
                    await caller.close()
                    return caller.received.hasPrefix("HTTP/1.1 200")
                }
            )
        }
    }

    @Test func `begins no further request of a caller who takes no answers`() async throws {
        let body = String(repeating: "x", count: 10_000)
        let stub = try await StubUpstream.answering(StubUpstream.json(body))
        try await Setting.run { setting in
            setting.register([try Setting.service("a", at: stub.url)])
            let caller = try await Caller.connect(port: setting.port, reads: false, keepsText: false)
            let count = 2000
            caller.push(.init(string: String(repeating: Setting.request(), count: count)))
            try await stub.untilQuiet()
            #expect(stub.requests.count < count)
            try await caller.startReading()
            #expect(try await eventually(within: .seconds(240)) { stub.requests.count == count })
        }
        await stub.stop()
    }

    @Test func `drains: closes idle connections, finishes running requests, counts what it had to cut`() async throws {
        let stub = try await StubUpstream.start { _, _ in [.hold, .send(StubUpstream.json("{}")), .next] }
        try await Setting.run { setting in
            setting.register([try Setting.service("a", at: stub.url)])
            let (idle, busy) = (try await setting.caller(), try await setting.caller())
            try await busy.send(Setting.request())
            #expect(try await eventually(within: .seconds(5)) { stub.requests.count == 1 })
            await setting.plane.stopListening()
            try await idle.untilClosed()
            #expect(await setting.plane.finish(within: .milliseconds(100)) == 1)
            try await busy.untilClosed()
        }
        try await Setting.run { setting in
            setting.register([try Setting.service("a", at: stub.url)])
            let busy = try await setting.caller()
            try await busy.send(Setting.request())
            #expect(try await eventually(within: .seconds(5)) { stub.requests.count == 2 })
            setting.plane.beginDraining()
            await setting.plane.stopListening()
            stub.release()
            #expect(await setting.plane.finish(within: .seconds(5)) == 0)
            #expect(try await busy.answer()["connection"] == "close")
        }
        await stub.stop()
    }
}
