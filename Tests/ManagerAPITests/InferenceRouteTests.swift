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
        #expect(try await self.replica.send(.get, "/v2/health/live").status == .ok)
        #expect(try await self.replica.send(.get, "/v2/health/ready").status == .ok)
        self.replica.edit { $0.snapshot = nil }
        #expect(try await self.replica.send(.get, "/v2/health/ready").status == .serviceUnavailable)
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
            if !isReady { #expect(try answer.string("error")?.contains("is not ready") == true) }
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
