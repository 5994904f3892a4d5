import Gateway
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import Registry
import Testing

@testable import ManagerAPI

/// The Open Inference Protocol as its clients see it.
@Suite struct InferenceRouteTests {
    private let replica = FakeReplica()

    private func setReady(_ isReady: Bool) throws {
        let key = InstanceKey(service: try #require(ServiceID("a")), url: try ServiceURL("http://a:8000"))
        let candidate = Explanation.Candidate(key: key, eligible: isReady, reasons: [])
        self.replica.edit { state in
            state.explanation = Explanation(candidates: [candidate], wouldPick: isReady ? key : nil, problem: nil)
        }
    }

    @Test func `speaks as one server with all models`() async throws {
        #expect(try await self.replica.send(.get, "/v2").string("name") == "model-manager")
        // KServe's client reads the body, others the status.
        #expect(try JSONValue.parse(try await self.replica.send(.get, "/v2/health/live").text) == ["live": true])
        #expect(try JSONValue.parse(try await self.replica.send(.get, "/v2/health/ready").text) == ["ready": true])
        self.replica.edit { $0.snapshot = nil }
        let answer = try await self.replica.send(.get, "/v2/health/ready")
        #expect(answer.status == .serviceUnavailable)
        #expect(try JSONValue.parse(answer.text)["ready"] == false)
        #expect(try answer.string("error") == "this replica has not loaded the registry yet")
    }

    @Test func `describes a model, and a version that it has`() async throws {
        try self.replica.add("a") { $0.definition.modelVersion = ModelVersion("v1") ?? .unnamed }
        let model = try JSONValue.parse(try await self.replica.send(.get, "/v2/models/LSTM").text)
        #expect(model["name"] == "LSTM")
        #expect(model["versions"] == ["v1"])
        #expect(model["inputs"]?.asArray?.first?["shape"] == [-1, -1])
        for known in ["v1", "latest"] {
            #expect(try await self.replica.send(.get, "/v2/models/LSTM/versions/\(known)").status == .ok)
        }
        let unknown = try await self.replica.send(.get, "/v2/models/LSTM/versions/v9")
        #expect(unknown.status == .notFound)
        #expect(unknown.headers[.managerErrorCode] == "version_not_found")
        #expect(try await self.replica.send(.get, "/v2/models/GRU").status == .notFound)
    }

    @Test(arguments: [true, false])
    func `says whether a model would be served now`(isReady: Bool) async throws {
        try self.replica.add("a")
        try self.setReady(isReady)
        for path in ["/v2/models/LSTM/ready", "/v2/models/LSTM/versions/default/ready"] {
            let answer = try await self.replica.send(.get, path)
            #expect(answer.status == (isReady ? .ok : .badRequest))
            if isReady { continue }
            #expect(try answer.string("error")?.contains("is not ready") == true)
            #expect(try answer.string("code") == "no_healthy_service")
            #expect(try answer.string("request_id") == answer.headers[.requestID])
            #expect(answer.headers[.managerErrorCode] == "no_healthy_service")
        }
        let rows = try JSONValue.parse(try await self.replica.send(.post, "/v2/repository/index").text).asArray
        #expect(rows?.map { $0["state"]?.asString } == [isReady ? "READY" : "UNAVAILABLE"])
        let ready = try await self.replica.send(.post, "/v2/repository/index", body: #"{"ready":true}"#)
        #expect(try JSONValue.parse(ready.text).asArray?.count == (isReady ? 1 : 0))
        #expect(try await self.replica.send(.post, "/v2/repository/index", body: "[1]").status == .badRequest)
    }

    @Test func `hands inferences to the data plane with what the path says`() async throws {
        let answer = try await self.replica.send(
            .post,
            "/v2/models/LSTM/versions/v1/generate",
            headers: [.contentType: "application/octet-stream"],
            body: "bytes"
        )
        #expect(answer.text == "bytes")
        _ = try await self.replica.send(.post, "/v2/models/GRU/infer", body: "{}")
        let exchanged = self.replica.edit { $0.exchanged }
        let (lstm, gru) = (try #require(ModelType("LSTM")), try #require(ModelType("GRU")))
        #expect(
            exchanged.map(\.operation) == [
                .infer(InferenceOrder(modelType: lstm, version: ModelVersion("v1"), action: .generate)),
                .infer(InferenceOrder(modelType: gru, version: nil, action: .infer)),
            ]
        )
    }
}

/// What a model's own server is asked, where it speaks the protocol.
@Suite struct InferenceQuestionTests {
    private let replica = FakeReplica()
    private static let metadata = #"{"name":"x","versions":[],"platform":"p","inputs":[{"name":"i"}],"outputs":[]}"#

    init() throws {
        var candidates: [Explanation.Candidate] = []
        for (id, isEligible) in [("a", false), ("b", true), ("c", true)] {
            try self.replica.add(id) { service in
                service.definition.modelVersion = ModelVersion("1") ?? .unnamed
                service.definition.wireProtocol = .oip
            }
            let key = InstanceKey(service: try #require(ServiceID(id)), url: try ServiceURL("http://\(id):8000"))
            candidates.append(Explanation.Candidate(key: key, eligible: isEligible, reasons: []))
        }
        let explanation = Explanation(candidates: candidates, wouldPick: nil, problem: nil)
        self.replica.edit { $0.explanation = explanation }
    }

    private func tell(_ body: String, status: Int = 200, unless silent: String = "") {
        self.replica.edit { state in
            state.told = { call in
                let headers = [(name: "Content-Type", value: "application/json; x=1")]
                guard call.url.host != silent else { return nil }
                return UpstreamAnswer(status: status, headers: headers, body: ByteBuffer(string: body))
            }
        }
    }

    private var asked: [String] { self.replica.edit { $0.calls }.filter { $0.hasPrefix("GET ") } }

    @Test func `tells what it takes and gives, and which versions the manager knows`() async throws {
        self.tell(Self.metadata)
        let answer = try await self.replica.send(.get, "/v2/models/LSTM")
        let json = try JSONValue.parse(answer.text)
        #expect(json["versions"] == ["1"] && json["name"] == "LSTM")
        #expect(json["inputs"] == [["name": "i"]])
        #expect(answer.headers[.managerInstance] == "http://b:8000")
        #expect(answer.headers[.managerModelVersion] == "1")
        #expect(self.asked == ["GET http://b:8000/v2/models/LSTM/versions/1"])
    }

    @Test(arguments: [
        ("/v2/models/LSTM/config", "/config"),
        ("/v2/models/LSTM/versions/latest/config", "/config"),
    ])
    func `is passed on as it is, errors too`(path: String, last: String) async throws {
        self.tell(#"{"error":"no such thing"}"#, status: 404)
        let answer = try await self.replica.send(.get, path)
        #expect(answer.status == .notFound)
        #expect(answer.text == #"{"error":"no such thing"}"#)
        #expect(answer.headers[.contentType] == "application/json; x=1")
        #expect(self.asked == ["GET http://b:8000/v2/models/LSTM/versions/1\(last)"])
    }

    @Test(arguments: [
        (#"{"detail":"Not Found"}"#, "Not Found"), ("", "the service says no more"), ("oh no", "oh no"),
    ])
    func `says an error in the words of the protocol`(body: String, error: String) async throws {
        self.tell(body, status: 404)
        let answer = try await self.replica.send(.get, "/v2/models/LSTM/config")
        #expect(answer.status == .notFound)
        #expect(try answer.string("error") == error)
        #expect(answer.headers[.contentType] == "application/json")
    }

    @Test func `is asked of another instance when the first does not answer`() async throws {
        self.tell(Self.metadata, unless: "b")
        #expect(try await self.replica.send(.get, "/v2/models/LSTM").headers[.managerInstance] == "http://c:8000")
        self.replica.edit { $0.told = { _ in nil } }
        let answer = try await self.replica.send(.get, "/v2/models/LSTM")
        #expect(answer.status == .badGateway)
        #expect(try JSONValue.parse(answer.text)["attempts"]?.asArray?.count == 2)
    }

    @Test func `cannot be asked when nobody is well`() async throws {
        let none = Explanation(candidates: [], wouldPick: nil, problem: nil)
        self.replica.edit { $0.explanation = none }
        #expect(try await self.replica.send(.get, "/v2/models/LSTM/config").status == .serviceUnavailable)
    }

    @Test func `is made up by the manager for native services`() async throws {
        try self.replica.add("n", type: "GRU")
        let config = try JSONValue.parse(try await self.replica.send(.get, "/v2/models/GRU/config").text)
        #expect(config["input"]?.asArray?.first?["name"] == "data")
        #expect(self.asked.isEmpty)
    }

    private func statistics(_ path: String) async throws -> [[String]] {
        let answer = try await self.replica.send(.get, path)
        #expect(answer.status == .ok, "\(answer.text)")
        let rows = try JSONValue.parse(answer.text)["model_stats"]?.asArray ?? []
        return rows.map { row in
            [row["name"], row["version"], row["inference_count"]].map { $0?.asString ?? $0?.serialized() ?? "-" }
        }
    }

    @Test(arguments: ["/v2/models/stats", "/v2/models/LSTM/stats", "/v2/models/LSTM/versions/1/stats"])
    func `is told of statistics, of all versions that are not singled out`(path: String) async throws {
        try self.replica.add("n", type: "GRU")
        self.tell(#"{"model_stats":[{"name":"LSTM","version":"1","inference_count":5}]}"#)
        let told = [["LSTM", "1", "5"]]
        #expect(try await self.statistics(path) == (path.contains("LSTM") ? told : [["GRU", "default", "9"]] + told))
        #expect(self.asked == ["GET http://b:8000/v2/models/LSTM/versions/1/stats"])
    }

    @Test(arguments: [404, 200])
    func `is counted by the manager where a server keeps no statistics`(status: Int) async throws {
        self.tell(#"{"detail":"Not Found"}"#, status: status)
        for path in ["/v2/models/stats", "/v2/models/LSTM/versions/1/stats"] {
            #expect(try await self.statistics(path) == [["LSTM", "1", "9"]])
        }
        self.replica.edit { $0.told = { _ in nil } }
        #expect(try await self.statistics("/v2/models/stats") == [["LSTM", "1", "9"]])
        let shown = try await self.replica.send(.get, "/v2/models/stats")
        #expect(shown.text.contains(#""last_inference":1700000000000"#), "\(shown.text)")
        #expect(try await self.replica.send(.get, "/v2/models/LSTM/versions/7/stats").status == .notFound)
    }
}
