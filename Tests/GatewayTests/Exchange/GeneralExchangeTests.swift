import Gateway
import ManagerTesting
import NIOCore
import Registry
import Testing

@Suite struct `The general door's exchange` {
    private func request(
        _ operation: GatewayRequest.Operation,
        _ body: String = #"{"model_type":"LSTM","config":{}}"#,
        headers: [(name: String, value: String)] = []
    ) -> GatewayRequest {
        GatewayRequest(operation: operation, headers: headers, body: ByteBuffer(string: body))
    }

    private func body(_ answer: GatewayAnswer) async throws -> String {
        var body = ByteBuffer()
        for try await piece in answer.body { body.writeImmutableBuffer(piece) }
        return String(buffer: body)
    }

    @Test func `predicts as the fast path does`() async throws {
        let stub = try await StubUpstream.answering(StubUpstream.json("4.2", headers: "x-own: 1\r\n"))
        try await Setting.run { setting in
            setting.register([try Setting.service("a", at: stub.url)])
            let answer = await setting.plane.exchange(
                self.request(
                    .predict,
                    headers: [
                        ("X-Request-ID", "r"), ("Connection", "x-secret"), ("x-secret", "s"), ("X-Own", "2"),
                        ("X-Own", "3"),
                        ("Transfer-Encoding", "chunked"), ("Authorization", "Bearer y"), ("x-odd", "ü"),
                        ("x-evil", "a\r\nx-injected: b"), ("content-type", "application/json"),
                    ]
                )
            )
            #expect(answer.status == 200)
            let headers = Dictionary(answer.headers.map { ($0.name, $0.value) }) { first, _ in first }
            #expect(headers["x-request-id"] == "r")
            #expect(headers["x-mm-service"] == "a")
            #expect(headers["x-own"] == "1")
            #expect(try await self.body(answer) == "4.2")
            let request = try #require(stub.requests.first)
            #expect(request.hasPrefix("POST /predict HTTP/1.1\r\n"))
            #expect(request.contains("X-Own: 2\r\nX-Own: 3\r\n"))
            for word in ["secret", "chunked", "Bearer", "odd", "injected"] { #expect(!request.contains(word)) }
        }
        await stub.stop()
    }

    @Test func `sends a training run once, to the training path, and passes a 500 on`() async throws {
        let stubs = [
            try await StubUpstream.answering(StubUpstream.json("no", status: "500 No")),
            try await StubUpstream.answering(StubUpstream.json("no", status: "500 No")),
        ]
        try await Setting.run { setting in
            setting.register(try stubs.enumerated().map { try Setting.service("s\($0)", at: $1.url) })
            let answer = await setting.plane.exchange(self.request(.train))
            #expect(answer.status == 500)
            #expect(try await self.body(answer) == "no")
            let requests = stubs.flatMap(\.requests)
            #expect(requests.count == 1)
            #expect(requests.first?.hasPrefix("POST /train HTTP/1.1\r\n") == true)
        }
        for stub in stubs { await stub.stop() }
    }

    @Test func `does not repeat a training run whose connection was reset`() async throws {
        let bad = try await StubUpstream.start { _, _ in [.reset] }
        let other = try await StubUpstream.start { _, _ in [.reset] }
        try await Setting.run { setting in
            setting.register([try Setting.service("a", at: bad.url), try Setting.service("b", at: other.url)])
            let answer = await setting.plane.exchange(self.request(.train))
            #expect(answer.status == 502)
            #expect(bad.requests.count + other.requests.count == 1)
        }
        for stub in [bad, other] { await stub.stop() }
    }

    @Test func `takes a training run on to the next instance when the first cannot be reached`() async throws {
        let dead = try await StubUpstream.answering("")
        await dead.kill()
        let live = try await StubUpstream.answering(StubUpstream.json("ok"))
        try await Setting.run { setting in
            setting.register([try Setting.service("a", at: dead.url), try Setting.service("b", at: live.url)])
            for _ in 0..<4 { #expect(await setting.plane.exchange(self.request(.train)).status == 200) }
            #expect(live.requests.count == 4)
        }
        await live.stop()
    }

    @Test func `answers problems in the common form`() async throws {
        try await Setting.run { setting in
            let answer = await setting.plane.exchange(self.request(.predict, "[]"))
            #expect(answer.status == 422)
            #expect(answer.headers.contains { $0.name == "x-mm-error-code" && $0.value == "validation_error" })
            let body = try await self.body(answer)
            #expect(body.contains(#""loc":["body"]"#))
        }
    }

    @Test func `streams with back-pressure`() async throws {
        let size = 32 * 1024 * 1024
        let piece = [UInt8](repeating: 0x61, count: 1024 * 1024)
        let stub = try await StubUpstream.start { _, _ in
            [.send("HTTP/1.1 200 OK\r\ncontent-length: \(size)\r\n\r\n")]
                + (0..<32).map { _ in .sendBytes(piece) } + [.next]
        }
        try await Setting.run { setting in
            setting.register([try Setting.service("a", at: stub.url)])
            let answer = await setting.plane.exchange(self.request(.predict))
            try await stub.untilQuiet()
            #expect(stub.sentBytes > 0)
            #expect(stub.sentBytes < size / 2)
            var bytes = 0
            for try await part in answer.body { bytes += part.readableBytes }
            #expect(bytes == size)
        }
        await stub.stop()
    }

    @Test func `is cancelled when its reader goes, before or within the answer`() async throws {
        let stub = try await StubUpstream.start { number, _ in
            number == 0 ? [.hold] : [.send("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe"), .hold]
        }
        try await Setting.run { setting in
            setting.register([try Setting.service("a", at: stub.url)])
            let task = Task { await setting.plane.exchange(self.request(.predict)).status }
            #expect(try await eventually(within: .seconds(5)) { stub.requests.count == 1 })
            task.cancel()
            _ = await task.value
            #expect(try await eventually(within: .seconds(5)) { stub.openConnections == 0 })
            do {
                let answer = await setting.plane.exchange(self.request(.predict))
                #expect(answer.status == 200)
            }
            #expect(try await eventually(within: .seconds(5)) { stub.openConnections == 0 })
            #expect(await setting.plane.statistics().inFlight == 0)
        }
        await stub.stop()
    }

    @Test func `ends with an error when the instance breaks off`() async throws {
        let stub = try await StubUpstream.start { _, _ in
            [.send("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe"), .pause(.milliseconds(20)), .close]
        }
        try await Setting.run { setting in
            setting.register([try Setting.service("a", at: stub.url)])
            let answer = await setting.plane.exchange(self.request(.predict))
            await #expect(throws: UpstreamFailure.self) { _ = try await self.body(answer) }
        }
        await stub.stop()
    }
}
