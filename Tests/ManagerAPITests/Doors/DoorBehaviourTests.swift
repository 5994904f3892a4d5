import Gateway
import ManagerTesting
import Registry
import Testing

@testable import ManagerAPI

/// What a port answers when both doors and the data plane are real.
@Suite(.timeLimit(.minutes(5))) struct `A replica's port` {
    /// Leads a prediction to one door or the other.
    enum Form: CaseIterable, Sendable { case withLength, chunked }

    private static func request(_ form: Form, _ headers: String) -> String {
        form == .withLength ? Self.predict(headers) : Self.chunked(headers)
    }

    private static func predict(_ headers: String = "", _ body: String = #"{"model_type":"LSTM"}"#) -> String {
        "POST /predict HTTP/1.1\r\nhost: m\r\n\(headers)content-length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    private static func chunked(_ headers: String = "", _ body: String = #"{"model_type":"LSTM"}"#) -> String {
        "POST /predict HTTP/1.1\r\nhost: m\r\n\(headers)transfer-encoding: chunked\r\n\r\n"
            + "\(String(body.utf8.count, radix: 16))\r\n\(body)\r\n0\r\n\r\n"
    }

    private static func get(_ path: String, _ headers: String = "") -> String {
        "GET \(path) HTTP/1.1\r\nhost: m\r\n\(headers)\r\n"
    }

    private func run(
        _ adjust: (inout DataPlaneSettings, inout FaceSettings) -> Void = { _, _ in },
        _ body: @escaping @Sendable (TwoDoors, [StubUpstream]) async throws -> Void
    ) async throws {
        let stubs = [
            try await StubUpstream.answering(StubUpstream.json("0")),
            try await StubUpstream.answering(StubUpstream.json("1")),
        ]
        try await TwoDoors.run(adjust) { doors in
            doors.register([try TwoDoors.service("s0", at: stubs[0].url)])
            try await body(doors, stubs)
        }
        for stub in stubs { await stub.stop() }
    }

    @Test(arguments: Form.allCases)
    func `makes a request wait for its epoch, on both doors`(form: Form) async throws {
        let text = Self.request(form, "x-mm-epoch: 2\r\n")
        try await self.run({ $1.epochWaitMax = .seconds(30) }) { doors, stubs in
            let caller = try await doors.caller()
            try await caller.send(text)
            // Only who has waited can be answered by a service of the second epoch.
            let other = try await doors.ask(Self.get("/services"))
            #expect(other.status == 200)
            #expect(caller.received.isEmpty)
            doors.register([try TwoDoors.service("s1", at: stubs[1].url)])
            let answer = try await caller.answer()
            #expect(answer.body == "1")
            #expect(stubs[0].requests.isEmpty)
        }
    }

    @Test(arguments: [
        Self.predict("x-mm-epoch: 7\r\n"), Self.chunked("x-mm-epoch: 7\r\n"),
        Self.get("/services", "x-mm-epoch: 7\r\n"),
    ])
    func `says so when the epoch does not come`(request: String) async throws {
        try await self.run({ $1.epochWaitMax = .milliseconds(50) }) { doors, stubs in
            let answer = try await doors.ask(request)
            #expect(answer.status == 503)
            #expect(answer["x-mm-error-code"] == "epoch_not_reached")
            #expect(answer["retry-after"] == "1")
            #expect(stubs[0].requests.isEmpty)
        }
    }

    @Test(arguments: [Self.predict("content-type: text/plain\r\n"), Self.chunked("content-type: text/plain\r\n")])
    func `refuses what does not call itself JSON`(request: String) async throws {
        try await self.run { doors, stubs in
            let answer = try await doors.ask(request)
            #expect(answer.status == 415)
            #expect(answer["x-mm-error-code"] == "unsupported_media_type")
            #expect(stubs[0].requests.isEmpty)
        }
    }

    @Test(arguments: Form.allCases)
    func `continues a trace, on both doors`(form: Form) async throws {
        let sent = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n"
        let texts = [Self.request(form, sent), Self.request(form, "")]
        try await self.run { doors, stubs in
            for text in texts {
                let answer = try await doors.ask(text)
                #expect(answer.status == 200)
            }
            let traces = stubs[0].requests.map { request in
                request.firstMatch(of: /traceparent: 00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})\r\n/)
            }
            let continued = try #require(traces[0])
            #expect(continued.1 == "4bf92f3577b34da6a3ce929d0e0e4736")
            #expect(continued.2 != "00f067aa0ba902b7")
            #expect(continued.3 == "01")
            let begun = try #require(traces[1])
            #expect(begun.1 != continued.1)
        }
    }

    @Test func `explains whom it would pick, and then picks it`() async throws {
        try await self.run { doors, stubs in
            let services = [
                try TwoDoors.service("s0", at: stubs[0].url), try TwoDoors.service("s1", at: stubs[1].url),
            ]
            doors.register(services)
            for _ in 0..<4 {
                let answer = try await doors.ask(Self.get("/explain?model_type=LSTM"))
                #expect(answer.status == 200)
                let match = try #require(answer.body.firstMatch(of: /"would_pick":\{[^}]*"service_id":"(s[01])"/))
                #expect(answer.body.contains(#""eligible":true"#))
                let served = try await doors.ask(Self.predict())
                #expect(served["x-mm-service"] == String(match.1))
            }
            doors.plane.setVerdict(.unhealthy, for: InstanceKey(service: services[0].id, url: services[0].url))
            let answer = try await doors.ask(Self.get("/explain?model_type=LSTM"))
            #expect(answer.body.contains("probes call it unhealthy"))
            #expect(answer.body.contains(#""eligible":false"#))
            for (query, code) in [
                ("model_type=GRU", "model_not_found"), ("model_type=LSTM&model_version=v9", "version_not_found"),
            ] {
                let unknown = try await doors.ask(Self.get("/explain?\(query)"))
                #expect(unknown.status == 404)
                #expect(unknown["x-mm-error-code"] == code)
            }
        }
    }

    @Test func `dates the answers it makes itself, and leaves those of instances as they are`() async throws {
        try await self.run { doors, _ in
            let own = [
                Self.get("/health/live"), Self.get("/nowhere"), Self.predict("", "["), Self.chunked("", "["),
                Self.predict("", #"{"model_type":"GRU"}"#), "BROKEN\r\n\r\n",
            ]
            for request in own {
                let answer = try await doors.ask(request)
                let form =
                    /(Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT/
                let isDate = answer["date"]?.wholeMatch(of: form) != nil
                #expect(isDate, "\(request): \(answer)")
            }
            for request in [Self.predict(), Self.chunked()] {
                let answer = try await doors.ask(request)
                #expect(answer.status == 200)
                #expect(answer["date"] == nil)
            }
        }
    }

    @Test func `counts what the general door answers, by operation and status`() async throws {
        try await self.run { doors, _ in
            for path in ["/services", "/services", "/services/none", "/nowhere"] {
                _ = try await doors.ask(Self.get(path))
            }
            _ = try await doors.ask(Self.chunked())
            _ = try await doors.ask(Self.predict())
            let page = try await doors.ask(Self.get("/metrics")).body
            let expected = [
                #"{operation="listServices",class="2xx"} 2"#, #"{operation="none",class="4xx"} 1"#,
                #"{operation="predict",class="2xx"} 1"#,
            ]
            for line in expected { #expect(page.contains("model_manager_api_requests_total\(line)"), "\(line)") }
            let found = page.contains(/model_manager_api_requests_total\{operation="[a-zA-Z]+",class="4xx"\} 1/)
            #expect(found)
        }
    }

    /// The door in front gives the whole connection to the general one at the first header such as `Upgrade`.
    @Test(arguments: [
        "GET / HTTP/1.1\r\nhost: m\r\nupgrade: m\r\nx: ", "GET / HTTP/1.1\r\nhost: m\r\nexpect: x\r\nupgrade: x\r\nfoo",
    ])
    func `does not wait for ever for the rest of a head that it gave to the general door`(part: String) async throws {
        try await self.run({ $1.headTimeout = .milliseconds(300) }) { doors, _ in
            let idle = try await doors.caller()
            try await idle.send("GET /health/live HTTP/1.1\r\nhost: m\r\nupgrade: m\r\n\r\n")
            _ = try await idle.answer()
            let caller = try await doors.caller()
            try await caller.send(part)
            let trickle = Task {
                while !caller.isClosed {
                    try await caller.send("a")
                    try await Task.sleep(for: .milliseconds(50))
                }
            }
            let answer = try await caller.answer()
            trickle.cancel()
            #expect([400, 408].contains(answer.status))
            try await caller.untilClosed()
            // One on which nothing was begun since is left alone.
            try await idle.send("GET /health/live HTTP/1.1\r\nhost: m\r\n\r\n")
            #expect(try await idle.answers(2).count == 2)
        }
    }
}
