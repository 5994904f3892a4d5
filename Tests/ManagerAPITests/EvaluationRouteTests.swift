import ClusterState
import HTTPTypes
import HummingbirdTesting
import Registry
import Testing

@testable import ManagerAPI

/// Offline tests of versions over HTTP.
@Suite struct EvaluationRouteTests {
    private let replica = FakeReplica()
    private static let path = "/models/LSTM/versions/v2/evaluate"
    private static let inline = #""dataset":{"inline":[{"data":[1],"expected":2}]}"#

    init() throws {
        for (id, version) in [("a", "v1"), ("b", "v2")] {
            try self.replica.add(id) { $0.definition.modelVersion = ModelVersion(version) ?? .unnamed }
        }
    }

    @Test func `are accepted, and say where the verdict will stand`() async throws {
        let answer = try await self.replica.send(.post, Self.path, body: "{\(Self.inline),\"metric\":\"mae\"}")
        #expect(answer.status == .accepted, "\(answer.text)")
        #expect(answer.headers[.location] == "/models/LSTM/versions/v2")
        #expect(self.replica.edit { $0.calls } == ["evaluate v2 of LSTM"])
        #expect(try JSONValue.parse(answer.text)["status"] == "queued")
    }

    @Test(arguments: [
        ("/models/LSTM/versions/v9/evaluate", "{\(inline),\"metric\":\"mae\"}", 404, "version_not_found"),
        ("/models/GRU/versions/v2/evaluate", "{\(inline),\"metric\":\"mae\"}", 404, "model_not_found"),
        (path, "{\(inline),\"metric\":\"mae\",\"baseline\":\"v9\"}", 404, "version_not_found"),
        ("/models/LSTM/versions/v1/evaluate", "{\(inline),\"metric\":\"mae\"}", 422, "validation_error"),
        (path, "{\(inline),\"metric\":\"mae\",\"validator\":\"a\"}", 422, "validation_error"),
        (path, "{\(inline),\"metric\":\"mae\",\"validator\":\"z\"}", 404, "service_not_found"),
        (path, "{\(inline),\"metric\":\"mae\",\"promote\":true}", 422, "validation_error"),
        (path, #"{"dataset":{"recording":true},"metric":"mae"}"#, 422, "are not recorded"),
        (path, "{", 400, "invalid_request"),
    ]) func `are refused when they could not be made`(
        path: String,
        body: String,
        status: Int,
        code: String
    ) async throws {
        let answer = try await self.replica.send(.post, path, body: body)
        #expect(answer.status.code == status && answer.text.contains(code), "\(answer.text)")
        #expect(!self.replica.edit { $0.calls }.contains { $0.hasPrefix("evaluate") })
    }

    @Test(arguments: [
        (#"{"share":0.01,"limit":50}"#, "record LSTM: 10000 up to 50"),
        (#"{"share":1}"#, "record LSTM: 1000000 up to 1000"),
    ]) func `can use live predictions, whose recording is ordered`(body: String, order: String) async throws {
        let answer = try await self.replica.send(.put, "/models/LSTM/recording", body: body)
        #expect(answer.status == .ok && self.replica.edit { $0.calls }.contains(order), "\(answer.text)")
        let ended = try await self.replica.send(.delete, "/models/LSTM/recording")
        #expect(ended.status == .ok && self.replica.edit { $0.calls }.contains("record LSTM: nothing"))
        let shown = try JSONValue.parse(try await self.replica.send(.get, "/models/LSTM/recording").text)
        #expect(shown["recorded"] == 7 && shown["share"] == .null)
    }

    @Test(arguments: [#"{}"#, #"{"share":0}"#, #"{"share":2}"#, #"{"share":1,"limit":1001}"#, #"{"share":1,"rate":1}"#])
    func `record nothing by a wrong order`(body: String) async throws {
        let answer = try await self.replica.send(.put, "/models/LSTM/recording", body: body)
        #expect(answer.status.code == 422 && self.replica.edit { $0.calls }.isEmpty, "\(answer.text)")
    }

    @Test func `have to wait when too many do`() async throws {
        self.replica.edit { $0.evaluationReply = .full(waiting: 100, bytes: 9) }
        let answer = try await self.replica.send(.post, Self.path, body: "{\(Self.inline),\"metric\":\"mae\"}")
        #expect(answer.status.code == 503 && answer.headers[.retryAfter] == "10")
    }

    @Test func `can be demanded by a model type and by a switch`() async throws {
        let patched = try await self.replica.send(.patch, "/models/LSTM", body: #"{"require_evaluation":true}"#)
        #expect(patched.status == .ok)
        self.replica.edit { $0.modelReply = .refused(.unevaluated(verdict: "none")) }
        let order = #"{"version":"v2","require_evaluation":true}"#
        let answer = try await self.replica.send(.post, "/models/LSTM/switch", body: order)
        #expect(answer.status.code == 409 && answer.text.contains("version_conflict"))
        #expect(answer.text.contains("the version was never tested"))
        let calls = self.replica.edit { $0.calls }.filter { !$0.hasPrefix("wait") }
        #expect(calls == ["require evaluation of LSTM: true", "switch LSTM from any to v2 if tested"])
    }
}
