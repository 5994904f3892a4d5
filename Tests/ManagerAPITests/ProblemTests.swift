import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import Registry
import Testing

@testable import ManagerAPI

/// Every way to be refused by the routes: the status, the code, and what else the answer must carry.
@Suite struct ProblemTests {
    /// A request that is refused.
    struct Refused: Sendable, CustomTestStringConvertible {
        var method: HTTPRequest.Method
        var uri: String
        var headers: HTTPFields = [:]
        var body: String?
        var status: Int
        var code: String

        init(
            _ method: HTTPRequest.Method,
            _ uri: String,
            _ status: Int,
            _ code: String,
            headers: HTTPFields = [:],
            body: String? = nil
        ) {
            (self.method, self.uri, self.headers, self.body) = (method, uri, headers, body)
            (self.status, self.code) = (status, code)
        }

        var testDescription: String { "\(self.method) \(self.uri) \(self.body?.prefix(60) ?? "") -> \(self.status)" }
    }

    static let epochs = HTTPField.Name.managerEpoch

    static let table: [Refused] = [
        // Paths
        Refused(.get, "/nothing", 404, "not_found"),
        Refused(.get, "/services/a/b/c/d", 404, "not_found"),
        Refused(.get, "//services", 400, "invalid_request"),
        Refused(.get, "/services//health", 400, "invalid_request"),
        Refused(.get, "/services/a%2Fb", 400, "invalid_request"),
        Refused(.get, "/services/a%5Cb", 400, "invalid_request"),
        Refused(.get, "/services/%00", 400, "invalid_request"),
        Refused(.get, "/services/..", 400, "invalid_request"),
        Refused(.get, "/services/%2e%2e/health", 400, "invalid_request"),
        Refused(.get, "/services/a;b", 400, "invalid_request"),
        Refused(.get, "/services/%zz", 400, "invalid_request"),
        Refused(.get, "/services/%ff", 400, "invalid_request"),
        Refused(.get, "services", 400, "invalid_request"),
        // Names
        Refused(.get, "/services/-a", 422, "validation_error"),
        Refused(.get, "/services/a%20b", 422, "validation_error"),
        Refused(.get, "/services/%C3%A4", 422, "validation_error"),
        Refused(.delete, "/services/%3Cscript%3E", 422, "validation_error"),
        Refused(.get, "/models/a:b", 422, "validation_error"),
        Refused(.get, "/services/" + String(repeating: "a", count: 129), 422, "validation_error"),
        // Things that are not there
        Refused(.get, "/services/none", 404, "service_not_found"),
        Refused(.patch, "/services/none", 404, "service_not_found", body: #"{"weight":5}"#),
        Refused(.delete, "/services/none", 404, "service_not_found"),
        Refused(.post, "/services/none/drain", 404, "service_not_found"),
        Refused(.post, "/services/none/heartbeat", 404, "service_not_found"),
        Refused(.get, "/services/none/health", 404, "service_not_found"),
        Refused(.get, "/models/none", 404, "model_not_found"),
        // Methods and media types
        Refused(.put, "/services", 405, "method_not_allowed"),
        Refused(.get, "/predict", 405, "method_not_allowed"),
        Refused(.trace, "/health", 405, "method_not_allowed"),
        Refused(
            .post,
            "/services/register",
            415,
            "unsupported_media_type",
            headers: [.contentType: "text/plain"],
            body: "{}"
        ),
        Refused(
            .patch,
            "/services/a",
            415,
            "unsupported_media_type",
            headers: [.contentType: "application/xml"],
            body: "{}"
        ),
        Refused(.get, "/services", 406, "not_acceptable", headers: [.accept: "text/html"]),
        Refused(.get, "/services", 406, "not_acceptable", headers: [.accept: "application/json;q=0"]),
        // Queries and headers
        Refused(.get, "/services?limit=0", 422, "validation_error"),
        Refused(.get, "/services?limit=10001", 422, "validation_error"),
        Refused(.get, "/services?limit=x", 422, "validation_error"),
        Refused(.get, "/services?limit=1&limit=2", 422, "validation_error"),
        Refused(.get, "/services?after=%2F", 422, "validation_error"),
        Refused(.get, "/services?status=fine", 422, "validation_error"),
        Refused(.get, "/services?status=%", 400, "invalid_request"),
        Refused(.get, "/services/a/health?probe=maybe", 422, "validation_error"),
        Refused(.delete, "/services/a?drain=yes", 422, "validation_error"),
        Refused(.get, "/explain", 422, "validation_error"),
        Refused(.get, "/events?after=%0d", 422, "validation_error"),
        Refused(.get, "/services", 400, "invalid_request", headers: [Self.epochs: "x"]),
        Refused(.get, "/services", 400, "invalid_request", headers: [Self.epochs: "-1"]),
        Refused(.get, "/health", 503, "epoch_not_reached", headers: [Self.epochs: "9999"]),
    ]

    @Test(arguments: Self.table)
    func `refuses with the contract's body`(request: Refused) async throws {
        let replica = FakeReplica()
        try replica.add("a")
        let answer = try await replica.send(request.method, request.uri, headers: request.headers, body: request.body)
        #expect(answer.status.code == request.status)
        #expect(answer.headers[.managerErrorCode] == request.code)
        #expect(answer.headers[.managerReplica] == "r1")
        let members = try answer.members()
        #expect(Set(members.keys) == ["error", "code", "detail", "request_id", "attempts"])
        #expect(members["code"] as? String == request.code)
        #expect(members["request_id"] as? String == answer.headers[.requestID])
        #expect((answer.headers[.retryAfter] != nil) == (request.status == 503))
        #expect((answer.headers[.allow] != nil) == (request.status == 405))
        if request.status == 422 { #expect(members["detail"] is [[String: Any]]) }
    }

    @Test(arguments: [
        (HTTPRequest.Method.put, "/services", "GET, HEAD"), (.delete, "/predict", "POST"),
        (.put, "/services/a", "DELETE, GET, HEAD, PATCH"), (.get, "/services/a/drain", "DELETE, POST"),
    ])
    func `says which methods a path has`(method: HTTPRequest.Method, path: String, allow: String) async throws {
        #expect(try await FakeReplica().send(method, path).headers[.allow] == allow)
    }

    @Test(arguments: [
        ("/service/a/health", "/services/{service_id}/health"), ("/predcit", "/predict"), ("/helth", "/health"),
        ("/services/a/heartbeats", "/services/{service_id}/heartbeat"), ("/metric", "/metrics"),
    ])
    func `names the nearest route`(path: String, nearest: String) async throws {
        #expect(try await FakeReplica().send(.get, path).string("detail") == "did you mean \(nearest)?")
    }

    @Test func `keeps a sane request id and replaces any other`() async throws {
        let replica = FakeReplica()
        let kept = try await replica.send(.get, "/health", headers: [.requestID: "abc-123"])
        #expect(kept.headers[.requestID] == "abc-123")
        for bad in ["a b", String(repeating: "x", count: 129), "a\"b"] {
            let made = try await replica.send(.get, "/health", headers: [.requestID: bad])
            #expect(made.headers[.requestID]?.count == 32)
        }
    }

    @Test func `refuses changes while Redis is away and marks what it still answers`() async throws {
        let replica = FakeReplica()
        try replica.add("a")
        replica.edit { $0.storeIsAway = true }
        let refused = try await replica.send(.post, "/services/a/drain")
        #expect(refused.status == .serviceUnavailable)
        #expect(refused.headers[.managerErrorCode] == "store_unavailable")
        #expect(refused.headers[.retryAfter] == "2")
        let read = try await replica.send(.get, "/services/a")
        #expect(read.status == .ok)
        #expect(read.headers[.managerStale] == "12")
        #expect(try await replica.send(.get, "/services/other").status == .serviceUnavailable)
    }

    @Test func `tells nobody what went wrong inside`() throws {
        struct Secret: Error { var path = "/etc/passwd" }
        let answer = try #require(ProblemAnswer(answering: Secret()))
        #expect(answer.problem.code == .internalError)
        #expect(!String(buffer: answer.body(requestID: "r")).contains("passwd"))
        #expect(ProblemAnswer(answering: CancellationError()) == nil)
    }

    @Test(arguments: Problem.Code.allCases)
    func `gives every code its status and body`(code: Problem.Code) throws {
        let attempt = Problem.Attempt(
            service: try #require(ServiceID("a")),
            url: try ServiceURL("http://a:1"),
            outcome: "reset",
            milliseconds: 3
        )
        let answer = ProblemAnswer(Problem(code, "no", attempts: [attempt])).response(requestID: "r")
        #expect(answer.status.code == code.status)
        #expect(answer.headers[.managerErrorCode] == code.rawValue)
        #expect((answer.headers[.retryAfter] != nil) == [429, 503].contains(code.status))
        let body = String(buffer: ProblemAnswer(Problem(code, "no", attempts: [attempt])).body(requestID: "r"))
        #expect(body.hasSuffix(#""attempts":[{"service_id":"a","url":"http://a:1","outcome":"reset","ms":3}]}"#))
    }
}
