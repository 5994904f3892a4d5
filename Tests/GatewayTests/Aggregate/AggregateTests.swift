import Gateway
import ManagerTesting
import NIOCore
import Registry
import Testing

/// Several models asked at once, through sockets and both doors.
@Suite struct `An aggregate` {
    private static func body(_ aggregate: String, rest: String = #""model_type":"X","data":[1]"#) -> String {
        #"{\#(rest), "aggregate": \#(aggregate)}"#
    }

    /// Three versions of one model, which answer as told.
    private static func three(
        _ answers: [String],
        _ adjust: (inout DataPlaneSettings) -> Void = { _ in },
        _ test: (Setting, [StubUpstream]) async throws -> Void
    ) async throws {
        var stubs: [StubUpstream] = []
        for answer in answers {
            stubs.append(
                try await StubUpstream.start { _, _ in answer.isEmpty ? [.hold, .close] : [.send(answer), .next] }
            )
        }
        try await Setting.run(adjust) { setting in
            setting.register(
                try stubs.enumerated().map { try Setting.service("s\($0)", at: $1.url, version: "v\($0)") }
            )
            try await test(setting, stubs)
        }
        for stub in stubs { await stub.stop() }
    }

    private static func answer(_ value: String, status: String = "200 OK") -> String {
        StubUpstream.json(#"{"prediction": \#(value)}"#, status: status)
    }

    private static let all = #"["LSTM@v0", "LSTM@v1", "LSTM@v2"]"#

    private static func value(_ answer: CallerAnswer, _ name: String = "prediction") throws -> JSONValue? {
        try JSONValue.parse(answer.body)[name]
    }

    @Test func `makes one answer of three and shows each`() async throws {
        try await Self.three([Self.answer("1"), Self.answer("2"), Self.answer("6")]) { setting, stubs in
            let body = Self.body(#"{"strategy": "mean", "over": \#(Self.all)}"#)
            let answer = try await setting.predict(body, headers: "accept-encoding: gzip\r\nx-request-id: q7\r\n")
            #expect(answer.status == 200, "\(answer.body)")
            #expect(try Self.value(answer) == .number(3))
            #expect(answer["x-request-id"] == "q7")
            #expect(answer["x-mm-attempts"] == "3")
            let members = try #require(try Self.value(answer, "members")?.asArray)
            #expect(members.map { $0["service_id"]?.asString } == ["s0", "s1", "s2"])
            #expect(members.map { $0["prediction"]?.asInteger } == [1, 2, 6])
            #expect(members.map { $0["model_version"]?.asString } == ["v0", "v1", "v2"])
            for (place, stub) in stubs.enumerated() {
                let request = try #require(stub.requests.first)
                #expect(
                    request.hasSuffix(#"{"model_version":"v\#(place)","model_type":"LSTM","data":[1]}"#),
                    "\(request)"
                )
                #expect(request.contains("x-request-id: q7\r\n"))
                #expect(!request.contains("accept-encoding"))
            }
        }
    }

    @Test func `serves on: the same connection predicts before and after`() async throws {
        try await Self.three([Self.answer("1"), Self.answer("2"), Self.answer("3")]) { setting, _ in
            let caller = try await setting.caller()
            let plain = Setting.request(#"{"model_type":"LSTM","model_version":"v1"}"#)
            let several = Setting.request(Self.body(#"{"strategy": "all", "over": \#(Self.all)}"#))
            try await caller.send(plain + several + plain)
            let answers = try await caller.answers(3)
            #expect(answers.map(\.status) == [200, 200, 200])
            #expect(try answers.map { try Self.value($0) } == [.integer(2), [1, 2, 3], .integer(2)])
        }
    }

    @Test func `goes through the general door alike`() async throws {
        try await Self.three([Self.answer("1"), Self.answer("2"), Self.answer("3")]) { setting, _ in
            let body = Self.body(#"{"strategy": "median", "over": \#(Self.all)}"#)
            let request = GatewayRequest(operation: .predict, headers: [], body: ByteBuffer(string: body))
            let answer = await setting.plane.exchange(request)
            var text = ""
            for try await piece in answer.body { text += String(buffer: piece) }
            #expect(answer.status == 200)
            #expect(try JSONValue.parse(text)["prediction"] == .number(2))
        }
    }

    @Test func `answers with a quorum though one fails, and says why it did`() async throws {
        let answers = [Self.answer("1"), Self.answer("2", status: "400 No"), Self.answer("3")]
        try await Self.three(answers) { setting, _ in
            let answer = try await setting.predict(
                Self.body(#"{"strategy": "mean", "over": \#(Self.all), "quorum": 2}"#)
            )
            #expect(answer.status == 200)
            #expect(try Self.value(answer) == .number(2))
            #expect(try Self.value(answer, "members")?.asArray?[1]["error"]?.asString == "status_400")
        }
    }

    @Test func `fails with its members when the quorum is not met`() async throws {
        let answers = [Self.answer("1"), StubUpstream.json("{}"), StubUpstream.json("hello")]
        try await Self.three(answers) { setting, _ in
            let answer = try await setting.predict(
                Self.body(#"{"strategy": "mean", "over": \#(Self.all), "quorum": 2}"#)
            )
            #expect(answer.status == 502)
            #expect(answer["x-mm-error-code"] == "quorum_not_met")
            let errors = try Self.value(answer, "members")?.asArray?.map { $0["error"]?.asString }
            #expect(errors?.dropFirst() == ["no_field", "not_json"])
        }
    }

    @Test func `is refused when the order itself is too long`() async throws {
        try await Self.three([Self.answer("1"), Self.answer("2"), Self.answer("3")]) { setting, stubs in
            let padding = String(repeating: " ", count: 70_000)
            let answer = try await setting.predict(Self.body(#"{"strategy": "mean",\#(padding) "over": \#(Self.all)}"#))
            #expect(answer.status == 422 && answer.body.contains("must not be longer than 65536 bytes"))
            #expect(stubs.allSatisfy { $0.requests.isEmpty })
        }
    }

    @Test func `has one deadline for all`() async throws {
        try await Self.three([Self.answer("1"), "", Self.answer("3")]) { setting, _ in
            let answer = try await setting.predict(
                Self.body(#"{"strategy": "mean", "over": \#(Self.all), "quorum": 2}"#),
                headers: "x-mm-timeout-ms: 3000\r\n"
            )
            #expect(answer.status == 200)
            #expect(try Self.value(answer, "members")?.asArray?[1]["error"]?.asString == "upstream_timeout")
        }
    }

    @Test func `the first answer wins, and whom it cancels is not blamed`() async throws {
        try await Self.three(["", Self.answer("2"), ""]) { setting, stubs in
            let answer = try await setting.predict(Self.body(#"{"strategy": "first", "over": \#(Self.all)}"#))
            #expect(answer.status == 200)
            #expect(try Self.value(answer) == .integer(2))
            #expect(try await eventually(within: .seconds(10)) { setting.state("s0")?.inFlight == 0 })
            #expect(setting.state("s0")?.breaker == .closed)
            #expect(setting.news.all == [])
            #expect(try await eventually(within: .seconds(10)) { stubs[2].openConnections == 0 })
        }
    }

    @Test func `ends with its caller`() async throws {
        try await Self.three(["", "", ""]) { setting, stubs in
            let caller = try await setting.caller()
            try await caller.send(Setting.request(Self.body(#"{"strategy": "mean", "over": \#(Self.all)}"#)))
            #expect(try await eventually(within: .seconds(10)) { stubs.allSatisfy { $0.requests.count == 1 } })
            await caller.close()
            #expect(try await eventually(within: .seconds(10)) { stubs.allSatisfy { $0.openConnections == 0 } })
        }
    }

    @Test(arguments: [
        (#"{"strategy": "mean", "over": ["LSTM@v9"]}"#, 404, "version_not_found"),
        (#"{"strategy": "mean", "over": ["GRU"]}"#, 404, "model_not_found"),
        (#"{"strategy": "odd", "over": ["LSTM"]}"#, 422, "aggregate.strategy"),
        (#"{"strategy": "mean", "over": ["LSTM"], "strategy": "all"}"#, 422, "twice"), ("[]", 422, "aggregate"),
    ])
    func `refuses`(aggregate: String, status: Int, text: String) async throws {
        try await Self.three([Self.answer("1"), Self.answer("2"), Self.answer("3")]) { setting, stubs in
            let answer = try await setting.predict(Self.body(aggregate))
            #expect(answer.status == status)
            #expect(answer.body.contains(text), "\(answer.body)")
            #expect(stubs.allSatisfy { $0.requests.isEmpty })
        }
    }

    @Test(arguments: [
        (#"{"aggregate":A}"#, #"{"model_type":"LSTM","model_version":"v0"}"#),
        (#"{ "aggregate" : A , "data":[1]}"#, #"{"model_type":"LSTM","model_version":"v0", "data":[1]}"#),
        (#"{"data":[1] , "aggregate":A }"#, #"{"model_type":"LSTM","model_version":"v0","data":[1]  }"#),
        (
            #"{"model_type":"X","\u0061ggregate":A,"model_version":null}"#,
            #"{"model_type":"LSTM","model_version":"v0"}"#
        ),
        (
            #"{"a":"\"aggregate\"","aggregate":A,"b":2}"#,
            #"{"model_type":"LSTM","model_version":"v0","a":"\"aggregate\"","b":2}"#
        ),
    ])
    func `leaves the rest of the body as it is`(body: String, expected: String) async throws {
        try await Self.three([Self.answer("1"), Self.answer("2"), Self.answer("3")]) { setting, stubs in
            let aggregate = #"{"strategy": "all", "over": ["LSTM@v0"]}"#
            let answer = try await setting.predict(body.replacing("A", with: aggregate))
            #expect(answer.status == 200, "\(answer.body)")
            let sent = try #require(stubs[0].requests.first?.split(separator: "\r\n\r\n").last)
            #expect(try JSONValue.parse(String(sent)) == JSONValue.parse(expected), "\(sent)")
        }
    }
}
