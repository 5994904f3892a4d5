import Gateway
import ManagerTesting
import NIOCore
import Registry
import Testing

/// The Open Inference Protocol on either side of the data plane, through sockets.
@Suite struct `Inference through the data plane` {
    /// A server that speaks the protocol as Triton does; `infer` is its answer to inferences.
    static func server(
        metadata: String =
            #"{"name":"LSTM","versions":["1"],"inputs":[{"name":"x","datatype":"FP32","shape":[-1,-1]}]}"#,
        infer: String = StubUpstream.json(
            #"{"model_name":"LSTM","model_version":"1","#
                + #""outputs":[{"name":"y","datatype":"FP32","shape":[1,2],"data":[4.5,5.5]}]}"#
        )
    ) async throws -> StubUpstream {
        try await StubUpstream.start { _, request in
            request.hasPrefix("GET ") ? [.send(StubUpstream.json(metadata)), .close] : [.send(infer), .next]
        }
    }

    static func oip(_ id: String, at stub: StubUpstream, version: String? = nil) throws -> ServiceDefinition {
        try Setting.service(id, at: stub.url, version: version) { $0.wireProtocol = .oip }
    }

    static func inference(
        _ body: String,
        version: String? = nil,
        _ action: InferenceOrder.Action = .infer,
        headers: [(name: String, value: String)] = []
    ) throws -> GatewayRequest {
        let order = InferenceOrder(
            modelType: try #require(ModelType("LSTM")),
            version: version.flatMap { ModelVersion($0) },
            action: action
        )
        return GatewayRequest(operation: .infer(order), headers: headers, body: ByteBuffer(string: body))
    }

    static func text(_ answer: GatewayAnswer) async throws -> String {
        var body = ByteBuffer()
        for try await piece in answer.body { body.writeImmutableBuffer(piece) }
        return String(buffer: body)
    }

    private static func body(of request: String) throws -> JSONValue {
        let text = request.split(separator: "\r\n\r\n", maxSplits: 1).last.map(String.init) ?? ""
        return try JSONValue.parse(text)
    }

    @Test func `a native caller gets a native answer of a server that speaks tensors`() async throws {
        let stub = try await Self.server()
        try await Setting.run { setting in
            setting.register([try Self.oip("a", at: stub, version: "1")])
            for _ in 0..<2 {
                let answer = try await setting.predict(
                    #"{"model_type":"LSTM","data":[1,2,3]}"#,
                    headers: "accept-encoding: gzip\r\nx-request-id: q1\r\n"
                )
                #expect(answer.status == 200, "\(answer.body)")
                #expect(try JSONValue.parse(answer.body)["prediction"] == [4.5, 5.5])
                #expect(answer["x-mm-service"] == "a")
                #expect(answer["x-mm-model-version"] == "1")
                #expect(answer["x-request-id"] == "q1")
            }
            let requests = stub.requests
            #expect(requests.count { $0.hasPrefix("GET /v2/models/LSTM/versions/1 HTTP/1.1\r\n") } == 1)
            let sent = try #require(requests.last)
            #expect(sent.hasPrefix("POST /v2/models/LSTM/versions/1/infer HTTP/1.1\r\n"))
            #expect(!sent.contains("accept-encoding"))
            #expect(sent.contains("content-type: application/json\r\n"))
            let input = try #require(try Self.body(of: sent)["inputs"]?.asArray?.first)
            #expect(input["name"] == "x")
            #expect(input["datatype"] == "FP32")
            #expect(input["shape"] == [1, 3])
            #expect(input["data"] == [1, 2, 3])
        }
        await stub.stop()
    }

    @Test func `a client of the protocol gets tensors of a native service`() async throws {
        let stub = try await StubUpstream.answering(StubUpstream.json(#"{"prediction":[7,8]}"#))
        try await Setting.run { setting in
            setting.register([try Setting.service("a", at: stub.url, version: "v1")])
            let body = #"{"id":"c9","inputs":[{"name":"x","datatype":"FP64","shape":[1,2],"data":[0.5,1.5]}]}"#
            let answer = await setting.plane.exchange(try Self.inference(body))
            #expect(answer.status == 200)
            let json = try JSONValue.parse(try await Self.text(answer))
            #expect(json["id"] == "c9")
            #expect(json["model_name"] == "LSTM")
            #expect(json["model_version"] == "v1")
            #expect(json["outputs"]?.asArray?.first?["data"] == [7, 8])
            #expect(json["outputs"]?.asArray?.first?["shape"] == [1, 2])
            let sent = try #require(stub.requests.first)
            #expect(sent.hasPrefix("POST /predict HTTP/1.1\r\n"))
            #expect(try Self.body(of: sent)["data"] == [0.5, 1.5])
            #expect(try Self.body(of: sent)["model_version"] == "v1")
        }
        await stub.stop()
    }

    @Test(arguments: InferenceOrder.Action.allCases)
    func `passes requests and answers of the protocol on byte for byte`(action: InferenceOrder.Action) async throws {
        let bytes = "{\"outputs\":[]}\u{1}\u{2}"
        let stub = try await Self.server(
            infer: "HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\n"
                + "Inference-Header-Content-Length: 14\r\ncontent-length: 16\r\n\r\n\(bytes)"
        )
        try await Setting.run { setting in
            setting.register([try Self.oip("a", at: stub)])
            let body = "{\"inputs\":[]}\u{3}\u{4}"
            let headers = [
                (name: "content-type", value: "application/octet-stream"),
                (name: "inference-header-content-length", value: "13"),
            ]
            let answer = await setting.plane.exchange(try Self.inference(body, action, headers: headers))
            #expect(answer.status == 200)
            #expect(answer.headers.contains { $0.name == "Inference-Header-Content-Length" && $0.value == "14" })
            #expect(try await Self.text(answer) == bytes)
            let sent = try #require(stub.requests.first)
            #expect(sent.hasPrefix("POST /v2/models/LSTM/\(action.rawValue) HTTP/1.1\r\n"), "\(sent)")
            #expect(sent.contains("inference-header-content-length: 13\r\n"))
            #expect(sent.hasSuffix("\r\n\r\n\(body)"))
        }
        await stub.stop()
    }

    @Test func `fails over and retries as every prediction does`() async throws {
        let bad = try await Self.server(infer: StubUpstream.json(#"{"error":"no"}"#, status: "503 No"))
        let good = try await Self.server()
        try await Setting.run { setting in
            setting.register([try Self.oip("a", at: bad), try Self.oip("b", at: good)])
            for _ in 0..<4 { #expect(try await setting.predict().status == 200) }
            #expect(bad.requests.contains { $0.hasPrefix("POST") })
        }
        await bad.stop()
        await good.stop()
    }

    @Test(arguments: [
        (#"{"model_type":"LSTM","data":[[1],[2,3]]}"#, "data: the arrays of one level are not equally long"),
        (#"{"model_type":"LSTM"}"#, "data: field required"),
    ])
    func `refuses what cannot be said in tensors`(body: String, error: String) async throws {
        let stub = try await Self.server()
        try await Setting.run { setting in
            setting.register([try Self.oip("a", at: stub)])
            let caller = try await setting.caller()
            try await caller.send(Setting.request(body) + Setting.request())
            let answers = try await caller.answers(2)
            #expect(answers.map(\.status) == [422, 200])
            #expect(answers.first?["x-mm-error-code"] == "validation_error")
            #expect(try JSONValue.parse(answers[0].body)["error"]?.asString == error)
        }
        await stub.stop()
    }

    @Test func `says so when an answer cannot be translated`() async throws {
        let stub = try await Self.server(infer: StubUpstream.json(#"{"outputs":[]}"#))
        try await Setting.run { setting in
            setting.register([try Self.oip("a", at: stub)])
            let answer = try await setting.predict()
            #expect(answer.status == 502)
            #expect(answer["x-mm-error-code"] == "upstream_invalid")
        }
        await stub.stop()
    }

    @Test func `tells a service which of its versions is meant, also one that it was not registered with`() async throws
    {
        let stub = try await StubUpstream.answering(StubUpstream.json(#"{"prediction":1}"#))
        let other = try await Self.server()
        try await Setting.run { setting in
            var pointers = ModelPointers()
            let two = try #require(ModelVersion("v2"))
            pointers.hosts[two] = [try #require(ServiceID("a")), try #require(ServiceID("gone"))]
            setting.register(
                [
                    try Setting.service("a", at: stub.url, version: "v1"), try Self.oip("o", at: other, version: "v3"),
                ],
                pointers: [try #require(ModelType("LSTM")): pointers]
            )
            for version in ["v1", "v2"] {
                let answer = try await setting.predict(#"{"model_type":"LSTM","model_version":"\#(version)"}"#)
                #expect(answer.status == 200, "\(answer.body)")
                #expect(answer["x-mm-model-version"] == version)
                #expect(stub.requests.last?.contains("x-mm-model-version: \(version)\r\n") == true)
            }
        }
        await stub.stop()
        await other.stop()
    }

    @Test func `takes part in an aggregate`() async throws {
        let stub = try await Self.server(
            infer: StubUpstream.json(#"{"outputs":[{"name":"y","datatype":"FP32","shape":[1,1],"data":[4.0]}]}"#)
        )
        let native = try await StubUpstream.answering(StubUpstream.json(#"{"prediction":2}"#))
        try await Setting.run { setting in
            setting.register([
                try Self.oip("a", at: stub, version: "v1"), try Setting.service("b", at: native.url, version: "v2"),
            ])
            let order = #"{"strategy":"mean","over":["LSTM@v1","LSTM@v2"]}"#
            let answer = try await setting.predict(#"{"model_type":"LSTM","data":[1],"aggregate":\#(order)}"#)
            #expect(answer.status == 200, "\(answer.body)")
            #expect(try JSONValue.parse(answer.body)["prediction"] == .number(3))
        }
        await stub.stop()
        await native.stop()
    }

    @Test func `translates a binary tensor for a native service`() async throws {
        let stub = try await StubUpstream.answering(StubUpstream.json(#"{"prediction":1}"#))
        try await Setting.run { setting in
            setting.register([try Setting.service("a", at: stub.url)])
            let json = #"{"inputs":[{"name":"x","datatype":"INT8","shape":[1,2],"parameters":{"binary_data_size":2}}]}"#
            for (length, status) in [(json.utf8.count, 200), (json.utf8.count + 9, 400), (-4, 400), (3, 400)] {
                let headers = [(name: "Inference-Header-Content-Length", value: String(length))]
                let request = try Self.inference(json + "\u{5}\u{6}", headers: headers)
                #expect(await setting.plane.exchange(request).status == status)
            }
            let sent = try #require(stub.requests.first)
            #expect(try Self.body(of: sent)["data"] == [5, 6])
            #expect(!sent.lowercased().contains("inference-header"))
        }
        await stub.stop()
    }

    @Test(arguments: [("gzip", 200), ("x-odd", 415)])
    func `passes a compressed body on to those who speak the protocol`(encoding: String, status: Int) async throws {
        let stub = try await Self.server()
        let native = try await StubUpstream.answering(StubUpstream.json(#"{"prediction":1}"#))
        try await Setting.run { setting in
            setting.register([
                try Self.oip("a", at: stub, version: "v1"), try Setting.service("b", at: native.url, version: "v2"),
            ])
            let headers = [(name: "Content-Encoding", value: encoding)]
            #expect(await setting.plane.exchange(try Self.inference("zip", headers: headers)).status == status)
            let translated = try Self.inference("zip", version: "v2", headers: headers)
            #expect(await setting.plane.exchange(translated).status == 415)
            guard status == 200 else { return }
            let sent = try #require(stub.requests.first)
            #expect(sent.contains("content-encoding: gzip\r\n"))
            #expect(sent.contains("content-length: 3\r\n"))
            #expect(sent.hasSuffix("\r\n\r\nzip"))
        }
        await stub.stop()
        await native.stop()
    }

    @Test func `ends what waited through a switch to services of another protocol, and sends it to neither`()
        async throws
    {
        let native = try await StubUpstream.answering(StubUpstream.json(#"{"prediction":1}"#))
        let other = try await Self.server()
        let adjust = { (settings: inout DataPlaneSettings) in
            settings.sharesLimits = true
            settings.queueTimeout = .seconds(20)
        }
        try await Setting.run(adjust) { setting in
            let services = [
                try Setting.service("a", at: native.url, version: "v1") { $0.concurrentRequestsMax = 1 },
                try Self.oip("o", at: other, version: "v2"),
            ]
            setting.register(services)
            let caller = try await setting.caller()
            try await caller.send(Setting.request())
            #expect(
                try await eventually(within: .seconds(20)) { await setting.plane.statistics().queueWaiting == 1 }
            )
            let (type, two) = (try #require(ModelType("LSTM")), try #require(ModelVersion("v2")))
            setting.register(services, pointers: [type: ModelPointers(latest: two)])
            let answer = try await caller.answer(within: .seconds(20))
            #expect(answer.status == 503, "\(answer.body)")
            #expect(answer["x-mm-error-code"] == "no_healthy_service")
            #expect(native.requests.isEmpty)
            #expect(!other.requests.contains { $0.hasPrefix("POST") })
            #expect(try await setting.predict().status == 200)
        }
        await native.stop()
        await other.stop()
    }
}
