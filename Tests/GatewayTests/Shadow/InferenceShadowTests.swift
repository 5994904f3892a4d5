import Gateway
import ManagerTesting
import NIOCore
import Registry
import Testing

/// Shadows of the other protocol, or of callers who speak it.
@Suite(.timeLimit(.minutes(5))) struct `A shadow and the Open Inference Protocol` {
    struct Row: Sendable, CustomTestStringConvertible {
        var callerInfers: Bool
        var firstInfers: Bool
        var shadowInfers: Bool
        var testDescription: String {
            let words = [self.callerInfers, self.firstInfers, self.shadowInfers].map { $0 ? "tensors" : "native" }
            return words.joined(separator: ", ")
        }
    }

    static let rows = [false, true].flatMap { caller in
        [false, true].flatMap { first in
            [false, true].map { Row(callerInfers: caller, firstInfers: first, shadowInfers: $0) }
        }
    }

    /// Native ones say 2 and 4, those of tensors 3 and 4.
    private static func stub(infers: Bool, _ tensor: String? = nil) async throws -> StubUpstream {
        let output = #"{"outputs":[{"name":"y","datatype":"FP32","shape":[1,2],"data":[3,4]}]}"#
        guard infers else { return try await .answering(StubUpstream.json(#"{"prediction":[2,4]}"#)) }
        return try await `Inference through the data plane`.server(infer: tensor ?? StubUpstream.json(output))
    }

    private static func service(_ id: String, _ stub: StubUpstream, _ version: String, infers: Bool) throws
        -> ServiceDefinition
    {
        try Setting.service(id, at: stub.url, version: version) { $0.wireProtocol = infers ? .oip : .native }
    }

    private static func run(
        _ row: Row,
        first tensor: String? = nil,
        _ body: (Setting, StubUpstream) async throws -> Void
    )
        async throws
    {
        let first = try await self.stub(infers: row.firstInfers, tensor)
        let second = try await self.stub(infers: row.shadowInfers)
        try await Setting.run { setting in
            var pointers = ModelPointers(latest: ModelVersion("v1"))
            pointers.shadow = Shadow(version: try #require(ModelVersion("v2")))
            setting.register(
                [
                    try self.service("a", first, "v1", infers: row.firstInfers),
                    try self.service("b", second, "v2", infers: row.shadowInfers),
                ],
                pointers: [try #require(ModelType("LSTM")): pointers]
            )
            try await body(setting, second)
        }
        await first.stop()
        await second.stop()
    }

    private static func figures(_ setting: Setting) async -> ShadowFigures {
        await setting.plane.versionTraffic().first { $0.version.text == "v2" }?.shadow ?? ShadowFigures()
    }

    private static let tensors = #"{"inputs":[{"name":"x","datatype":"FP64","shape":[1,2],"data":[5,6]}]}"#

    private static func ask(_ setting: Setting, infers: Bool) async throws {
        guard infers else {
            #expect(try await setting.predict(#"{"model_type":"LSTM","data":[5,6]}"#).status == 200)
            return
        }
        let request = try `Inference through the data plane`.inference(self.tensors)
        let answer = await setting.plane.exchange(request)
        _ = try await `Inference through the data plane`.text(answer)
        #expect(answer.status == 200)
    }

    @Test(arguments: rows)
    func `is asked in its own words, and its answers are compared`(row: Row) async throws {
        try await Self.run(row) { setting, shadow in
            for _ in 0..<2 { try await Self.ask(setting, infers: row.callerInfers) }
            #expect(try await eventually(within: .seconds(30)) { await Self.figures(setting).requests == 2 })
            let figures = await Self.figures(setting)
            #expect(figures.compared == 2 && figures.failures == 0, "\(figures)")
            #expect(figures.difference == (row.firstInfers == row.shadowInfers ? 0 : 1), "\(figures)")
            let sent = try #require(shadow.requests.last)
            #expect(sent.hasPrefix(row.shadowInfers ? "POST /v2/models/LSTM/versions/v2/infer " : "POST /predict "))
            let body = try JSONValue.parse(sent.split(separator: "\r\n\r\n").last.map(String.init) ?? "")
            let data = row.shadowInfers ? body["inputs"]?.asArray?.first?["data"] : body["data"]
            #expect(data == [5, 6])
            #expect(await setting.plane.statistics().requests == 2)
        }
    }

    @Test func `is compared with binary tensors`() async throws {
        let json =
            #"{"outputs":[{"name":"z","datatype":"INT8","shape":[1],"parameters":{"binary_data_size":1}},"#
            + #"{"name":"prediction","datatype":"INT8","shape":[1,2],"parameters":{"binary_data_size":2}}]}"#
        let binary =
            "HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\n"
            + "Inference-Header-Content-Length: \(json.utf8.count)\r\ncontent-length: \(json.utf8.count + 3)\r\n\r\n"
            + json + "\u{9}\u{2}\u{4}"
        let row = Row(callerInfers: true, firstInfers: true, shadowInfers: false)
        try await Self.run(row, first: binary) { setting, _ in
            try await Self.ask(setting, infers: true)
            #expect(try await eventually(within: .seconds(30)) { await Self.figures(setting).requests == 1 })
            let figures = await Self.figures(setting)
            #expect(figures.compared == 1 && figures.equal == 1, "\(figures)")
        }
    }

    @Test func `gets nothing that names a version, and nothing that is generated`() async throws {
        let row = Row(callerInfers: true, firstInfers: true, shadowInfers: true)
        try await Self.run(row) { setting, shadow in
            let inference = `Inference through the data plane`.self
            let requests = [
                try inference.inference(Self.tensors, version: "v1"), try inference.inference("{}", .generate),
            ]
            for request in requests {
                let answer = await setting.plane.exchange(request)
                _ = try await inference.text(answer)
                #expect(answer.status == 200)
            }
            // The turn of the first is made up for by the next.
            try await Self.ask(setting, infers: true)
            #expect(try await eventually(within: .seconds(30)) { await Self.figures(setting).requests >= 1 })
            #expect(shadow.requests.allSatisfy { $0.hasPrefix("POST /v2/models/LSTM/versions/v2/infer ") })
            #expect(shadow.requests.count == 1)
        }
    }
}
