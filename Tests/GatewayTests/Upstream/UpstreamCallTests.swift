import Gateway
import ManagerTesting
import NIOCore
import Registry
import Testing

@Suite struct `A call of the manager's own` {
    private func failure(_ setting: Setting, _ call: UpstreamCall) async -> UpstreamFailure.Kind? {
        do {
            _ = try await setting.plane.call(call)
            return nil
        } catch {
            return error.kind
        }
    }

    @Test func `brings status, headers and body`() async throws {
        let stub = try await StubUpstream.start { _, _ in
            [.send("HTTP/1.1 200 OK\r\nx-a: b\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"), .next]
        }
        try await Setting.run { setting in
            var call = UpstreamCall(url: try ServiceURL(stub.url), path: "/health", timeout: .seconds(5))
            call.headers = [("x-probe", "1")]
            let answer = try await setting.plane.call(call)
            #expect(answer.status == 200)
            #expect(String(buffer: answer.body) == "ok")
            #expect(answer.headers.contains { $0.name == "x-a" && $0.value == "b" })
            #expect(stub.requests.first?.hasPrefix("GET /health HTTP/1.1\r\nhost: 127.0.0.1:\(stub.port)\r\n") == true)
            #expect(stub.requests.first?.contains("x-probe: 1\r\n") == true)
            call.method = "POST"
            call.body = ByteBuffer(string: "{}")
            _ = try await setting.plane.call(call)
            #expect(stub.requests.last?.hasSuffix("content-length: 2\r\n\r\n{}") == true)
            #expect(try await eventually(within: .seconds(5)) { stub.openConnections == 0 })
            #expect(await setting.plane.statistics().requests == 0)
        }
        await stub.stop()
    }

    @Test func `says why there is no answer`() async throws {
        let hanging = try await StubUpstream.start { _, _ in [.hold] }
        let resetting = try await StubUpstream.start { _, _ in [.reset] }
        let endless = try await StubUpstream.answering(StubUpstream.json(String(repeating: "x", count: 100_000)))
        let garbage = try await StubUpstream.answering("hello there, this is no HTTP\r\n\r\n")
        let dead = try await StubUpstream.answering("")
        await dead.kill()
        try await Setting.run { setting in
            let cases: [(url: String, path: String, kind: UpstreamFailure.Kind)] = [
                (hanging.url, "/health", .timeout), (resetting.url, "/health", .reset),
                (endless.url, "/health", .brokenAnswer),
                (garbage.url, "/health", .brokenAnswer), (dead.url, "/health", .connectRefused),
                ("http://no-such-host.invalid", "/health", .resolve), ("http://169.254.169.254", "/health", .denied),
                ("http://2852039166", "/health", .denied), ("http://127.0.0.1:\(setting.port)", "/health", .denied),
                (hanging.url, "/a b", .denied), (hanging.url, "/a\r\nx: y", .denied),
            ]
            for entry in cases {
                let limit: Duration = entry.kind == .timeout ? .milliseconds(300) : .seconds(60)
                let call = UpstreamCall(url: try ServiceURL(entry.url), path: entry.path, timeout: limit)
                #expect(await self.failure(setting, call) == entry.kind, "\(entry)")
            }
        }
        for stub in [hanging, resetting, endless, garbage] { await stub.stop() }
    }

    @Test func `ends at once when its task was cancelled before it began`() async throws {
        let hanging = try await StubUpstream.start { _, _ in [.hold] }
        try await Setting.run { setting in
            let call = UpstreamCall(url: try ServiceURL(hanging.url), path: "/health", timeout: .seconds(60))
            #expect(await self.cancelled { await self.failure(setting, call) } == .reset)
        }
        await hanging.stop()
    }

    @Test func `ends at once as a request of the general door, too`() async throws {
        let hanging = try await StubUpstream.start { _, _ in [.hold] }
        try await Setting.run { setting in
            setting.register([try Setting.service("a", at: hanging.url) { $0.timeout = .seconds(60) }])
            let body = ByteBuffer(string: #"{"model_type":"LSTM","data":[1]}"#)
            let request = GatewayRequest(operation: .predict, headers: [], body: body)
            #expect(await self.cancelled { await setting.plane.exchange(request).status } == 408)
        }
        await hanging.stop()
    }

    /// What comes of it in a task that is cancelled already.
    private func cancelled<Result: Sendable>(_ body: @escaping @Sendable () async -> Result) async -> Result {
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            return await body()
        }
        task.cancel()
        return await task.value
    }
}
