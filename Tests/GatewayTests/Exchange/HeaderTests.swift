import ManagerTesting
import NIOCore
import Registry
import Testing

@testable import Gateway

/// The headers by which callers, the manager and instances tell each other about a request.
@Suite(.timeLimit(.minutes(5))) struct `Headers of a request` {
    private func run(_ body: (Setting, StubUpstream) async throws -> Void) async throws {
        let stub = try await StubUpstream.answering(StubUpstream.json("{}"))
        try await Setting.run { setting in
            setting.register([try Setting.service("a", at: stub.url)])
            try await body(setting, stub)
        }
        await stub.stop()
    }

    // MARK: traceparent

    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    private static let span = "00f067aa0ba902b7"

    /// Trace, span and flags of the last request an instance got.
    private func traceparent(_ stub: StubUpstream) throws -> [String] {
        let lines = try #require(stub.requests.last).split(separator: "\r\n")
        let values = lines.filter { $0.hasPrefix("traceparent: ") }.map { $0.dropFirst(13) }
        #expect(values.count == 1)
        let parts = try #require(values.first).split(separator: "-").map(String.init)
        #expect(parts.map(\.count) == [2, 32, 16, 2])
        #expect(parts[0] == "00")
        return Array(parts.dropFirst())
    }

    @Test(arguments: ["01", "00"])
    func `a trace is continued with a span of the manager's own, its flags kept`(flags: String) async throws {
        try await self.run { setting, stub in
            let sent = "traceparent: 00-\(Self.trace)-\(Self.span)-\(flags)\r\ntracestate: vendor=1\r\n"
            _ = try await setting.predict(headers: sent)
            let parts = try self.traceparent(stub)
            #expect(parts[0] == Self.trace)
            #expect(parts[1] != Self.span)
            #expect(parts[2] == flags)
            #expect(stub.requests.last?.contains("tracestate: vendor=1\r\n") == true)
        }
    }

    @Test func `every request without a trace begins one`() async throws {
        try await self.run { setting, stub in
            var traces: Set<String> = []
            for _ in 0..<20 {
                _ = try await setting.predict()
                traces.insert(try self.traceparent(stub)[0])
            }
            #expect(traces.count == 20)
        }
    }

    @Test(arguments: [
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7", "nonsense",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
    ]) func `a trace that cannot be continued is not`(sent: String) async throws {
        try await self.run { setting, stub in
            let answer = try await setting.predict(headers: "traceparent: \(sent)\r\n")
            #expect(answer.status == 200)
            let trace = try self.traceparent(stub)[0]
            #expect(trace != Self.trace)
        }
    }

    // MARK: Tokens and paths of servers with manners of their own

    @Test func `an address is shown its newest token instead of the caller's credentials`() async throws {
        let stub = try await StubUpstream.answering(StubUpstream.json("{}"))
        try await Setting.run { setting in
            setting.register([try Setting.service("a", at: stub.url) { $0.forwardsAuthorization = true }])
            let sent = "authorization: Bearer caller\r\n"
            func shown() async throws -> [Substring] {
                #expect(try await setting.predict(headers: sent).status == 200)
                let lines = try #require(stub.requests.last).split(separator: "\r\n")
                return lines.filter { $0.lowercased().hasPrefix("authorization:") }
            }
            #expect(try await shown() == ["authorization: Bearer caller"])
            let address = stub.url.dropFirst("http://".count)
            for token in ["one", "two"] {
                setting.plane.setTokens(try ServiceTokens(["tokens": [String(address): .string(token)]]))
                #expect(try await shown() == ["authorization: Bearer \(token)"[...]])
            }
            var call = UpstreamCall(url: try ServiceURL(stub.url), path: "/models", timeout: .seconds(10))
            call.method = "DELETE"
            call.headers = [("Authorization", "Bearer caller")]
            _ = try await setting.plane.call(call)
            let lines = try #require(stub.requests.last).split(separator: "\r\n")
            #expect(
                lines.filter { $0.lowercased().hasPrefix("authorization:") } == ["authorization: Bearer two"]
            )
            setting.plane.setTokens(ServiceTokens())
            #expect(try await shown() == ["authorization: Bearer caller"])
        }
        await stub.stop()
    }

    @Test(arguments: [
        #"{"tokens":[]}"#, #"{"token":{}}"#, #"{"tokens":{},"more":1}"#, #"{"tokens":{"h:1/x":"t"}}"#,
        #"{"tokens":{"h:1":"a b"}}"#, #"{"tokens":{"h:1":""}}"#, #"{"tokens":{"h:1":5}}"#, "[]",
    ]) func `tokens that cannot be shown are refused`(text: String) throws {
        #expect(throws: ServiceTokens.Unusable.self) { try ServiceTokens(try JSONValue.parse(text)) }
    }

    @Test func `a TorchServe is asked by model and version`() async throws {
        let stub = try await StubUpstream.answering(StubUpstream.json("{}"))
        try await Setting.run { setting in
            let metadata = ["deployment": "torchserve"]
            for (version, path) in [(nil, "/predictions/LSTM"), ("2.0", "/predictions/LSTM/2.0")] {
                setting.register([try Setting.service("a", at: stub.url, version: version) { $0.metadata = metadata }])
                #expect(try await setting.predict().status == 200)
                #expect(stub.requests.last?.hasPrefix("POST \(path) HTTP/1.1\r\n") == true)
            }
        }
        await stub.stop()
    }

    // MARK: x-mm-stale

    @Test func `answers say how stale the replica is, whoever makes them, until it is not`() async throws {
        try await self.run { setting, _ in
            #expect(try await setting.predict()["x-mm-stale"] == nil)
            setting.plane.setStale(since: MonotonicClock.now() + .seconds(-100))
            for body in [#"{"model_type":"LSTM"}"#, #"{"model_type":"GRU"}"#, "["] {
                let answer = try await setting.predict(body)
                let seconds = try #require(answer["x-mm-stale"].flatMap { Int($0) })
                #expect((100..<160).contains(seconds))
                let request = GatewayRequest(operation: .predict, headers: [], body: .init(string: body))
                let general = await setting.plane.exchange(request)
                let stale = general.headers.first { $0.name == "x-mm-stale" }
                let told = stale.flatMap { Int($0.value) } ?? 0
                #expect(told >= 100)
            }
            setting.plane.setStale(since: nil)
            #expect(try await setting.predict()["x-mm-stale"] == nil)
        }
    }

    // MARK: x-mm-epoch

    @Test func `an epoch the replica knows keeps a request on the fast path, any other takes it off`() async throws {
        try await self.run { setting, stub in
            for epoch in ["0", "1"] {
                #expect(try await setting.predict(headers: "x-mm-epoch: \(epoch)\r\n").body == "{}")
            }
            #expect(stub.requests.count == 2)
            #expect(stub.requests.allSatisfy { !$0.contains("x-mm-epoch") })
            for epoch in ["2", "-1", "soon", "99999999999999999999"] {
                let answer = try await setting.predict(headers: "x-mm-epoch: \(epoch)\r\n")
                #expect(answer.body.hasPrefix("general POST /predict"))
            }
            #expect(stub.requests.count == 2)
            setting.register([try Setting.service("a", at: stub.url)])
            #expect(try await setting.predict(headers: "x-mm-epoch: 2\r\n").body == "{}")
        }
    }
}
