import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Registry
import Testing

@testable import ManagerAPI

/// Registering and changing a service over HTTP, and every way to get the body wrong.
@Suite struct RegistrationTests {
    private let replica = FakeReplica()
    private static let original = """
        {"service_id": "lstm_model_v2", "service_url": "http://lstm_model:8000", "model_type": "LSTM", \
        "capabilities": ["training", "prediction"]}
        """

    @Test func `registers the original's example and says that it is new`() async throws {
        let first = try await self.replica.send(.post, "/services/register", body: Self.original)
        #expect(first.status == .created)
        #expect(first.headers[.location] == "/services/lstm_model_v2")
        #expect(try first.integer("epoch") == 1)
        let again = try await self.replica.send(.post, "/services/register", body: Self.original)
        #expect(again.status == .ok)
        #expect(try again.integer("epoch") == 1)
        #expect(try await self.replica.send(.get, "/services/lstm_model_v2").string("model_type") == "LSTM")
    }

    @Test func `answers only when this replica uses the change`() async throws {
        _ = try await self.replica.send(.post, "/services/register", body: Self.original)
        #expect(self.replica.edit { $0.calls } == ["register lstm_model_v2", "wait 1 2.0"])
    }

    @Test func `changes what may be changed`() async throws {
        try self.replica.add("a")
        let body = #"{"weight": 5, "timeout": 2.5, "max_concurrent_requests": 3, "metadata": {"k": "v"}}"#
        let answer = try await self.replica.send(.patch, "/services/a", body: body)
        #expect(answer.status == .ok)
        let members = try answer.members()
        #expect(members["weight"] as? Int == 5)
        #expect(members["timeout"] as? Double == 2.5)
        #expect(members["max_concurrent_requests"] as? Int == 3)
        #expect(members["metadata"] as? [String: String] == ["k": "v"])
        #expect(members["epoch"] as? Int == 8)
    }

    @Test(arguments: [
        ("", "line 1, column 1"), ("{", "line 1, column 2"), ("{\"a\":\n 1,\n x}", "line 3, column 2"),
        ("{} {}", "line 1, column 4"), ("\u{FEFF}{}", "line 1, column 1"), ("{\"a\":1,\"a\":2}", "line 1, column 8"),
        (String(repeating: "[", count: 100_000), "line 1, column 65"),
    ])
    func `says where a body is no JSON`(body: String, place: String) async throws {
        for (method, path) in [(HTTPRequest.Method.post, "/services/register"), (.patch, "/services/a")] {
            let answer = try await self.replica.send(method, path, body: body)
            #expect(answer.status == .badRequest)
            #expect(try answer.string("code") == "invalid_request")
            #expect(try answer.string("error")?.contains(place) == true)
        }
    }

    @Test(arguments: [
        (#"[]"#, ["body"]), (#"{}"#, ["body.service_id", "body.service_url", "body.model_type"]),
        (#"{"service_id":"a","service_url":"ftp://x","model_type":"L"}"#, ["body.service_url"]),
        (
            #"{"service_id":"a b","service_url":"http://x","model_type":"L","weight":0}"#,
            ["body.service_id", "body.weight"]
        ),
        (#"{"service_id":"a","service_url":"http://x","model_type":"L","status":"healthy"}"#, ["body.status"]),
        (
            #"{"service_id":"a","service_url":"http://x","model_type":"L","model_version":"latest"}"#,
            ["body.model_version"]
        ),
        (#"{"service_id":"a","service_url":"http://x","model_type":"L","timeout":"30"}"#, ["body.timeout"]),
    ])
    func `names every member that is wrong`(body: String, places: [String]) async throws {
        let answer = try await self.replica.send(.post, "/services/register", body: body)
        #expect(answer.status.code == 422)
        let issues = try #require(try answer.members()["detail"] as? [[String: Any]])
        let named = issues.compactMap { ($0["loc"] as? [String])?.joined(separator: ".") }
        #expect(Set(named) == Set(places))
        #expect(issues.allSatisfy { $0["msg"] is String && $0["type"] is String })
        #expect(self.replica.edit { $0.calls.isEmpty })
    }

    @Test(arguments: [#"{}"#, #"{"service_url":"http://x"}"#, #"{"health":"healthy"}"#, #"{"weight":1001}"#, #"3"#])
    func `refuses a change of anything else`(body: String) async throws {
        try self.replica.add("a")
        #expect(try await self.replica.send(.patch, "/services/a", body: body).status.code == 422)
        #expect(self.replica.edit { $0.calls.isEmpty })
    }

    @Test func `refuses a body that is too long`() async throws {
        let answer = try await self.replica.send(
            .post,
            "/services/register",
            body: Self.original,
            settings: { $0.formBytesMax = 50 }
        )
        #expect(answer.status.code == 413)
        #expect(try answer.string("code") == "payload_too_large")
        #expect(try answer.string("detail") == "no setting allows more on this route")
        #expect(answer.headers[.connection] == "close")
    }

    @Test(arguments: ["application/json", "application/json; charset=utf-8", "application/vnd.x+json", ""])
    func `takes what is JSON by any name`(type: String) async throws {
        let headers: HTTPFields = [.contentType: type]
        let answer = try await self.replica.send(.post, "/services/register", headers: headers, body: Self.original)
        #expect(answer.status == .created)
    }
}
