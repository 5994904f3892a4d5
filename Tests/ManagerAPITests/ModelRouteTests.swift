import ClusterState
import HTTPTypes
import HummingbirdTesting
import Registry
import Testing

@testable import ManagerAPI

/// The life of model versions over HTTP: what is asked for, what is refused and how.
@Suite struct ModelRouteTests {
    private let replica = FakeReplica()

    init() throws {
        for (id, version) in [("a", "v1"), ("b", "v2")] {
            try self.replica.add(id) { $0.definition.modelVersion = ModelVersion(version) ?? .unnamed }
        }
    }

    struct Order: Sendable, CustomTestStringConvertible {
        var method: HTTPRequest.Method
        var path: String
        var body: String
        var calls: [String]
        var status = 200
        var testDescription: String { "\(self.method) \(self.path) \(self.body)" }
    }

    static let orders = [
        Order(
            method: .post,
            path: "/models/LSTM/switch",
            body: #"{"version":"v2","expected":"v1","timeout":3}"#,
            calls: ["switch LSTM from v1 to v2", "wait for 7 within 3.0 seconds"]
        ),
        Order(
            method: .post,
            path: "/models/LSTM/switch",
            body: #"{"version":"v2","force":true}"#,
            calls: ["switch LSTM from any to v2 forced", "wait for 7 within 15.0 seconds"]
        ),
        Order(
            method: .post,
            path: "/models/LSTM/versions",
            body: #"{"version":"v2","artifact":"s3://m"}"#,
            calls: [#"deploy v2 of LSTM: {"services":["a","b"],"artifact":"s3://m"}"#],
            status: 202
        ),
        Order(
            method: .post,
            path: "/models/LSTM/versions",
            body: #"{"version":"v1","services":["b"],"parameters":{"epochs":3}}"#,
            calls: [#"deploy v1 of LSTM: {"services":["b"],"parameters":{"epochs":3}}"#],
            status: 202
        ),
        Order(
            method: .post,
            path: "/models/LSTM/rollback",
            body: "",
            calls: ["roll back LSTM", "wait for 7 within 15.0 seconds"]
        ),
        Order(
            method: .put,
            path: "/models/LSTM/aliases/stable",
            body: #"{"version":"v1"}"#,
            calls: ["alias stable of LSTM at v1"]
        ),
        Order(
            method: .delete,
            path: "/models/LSTM/aliases/stable",
            body: "",
            calls: ["alias stable of LSTM at nothing"]
        ),
        Order(
            method: .put,
            path: "/models/LSTM/traffic",
            body: #"{"split":{"v1":90,"v2":10}}"#,
            calls: ["split LSTM v1=90,v2=10"]
        ),
        Order(method: .delete, path: "/models/LSTM/traffic", body: "", calls: ["split LSTM "]),
        Order(
            method: .post,
            path: "/models/LSTM/versions/v2/retire",
            body: #"{"timeout":2}"#,
            calls: ["retire v2 of LSTM within 2.0 seconds"],
            status: 202
        ),
    ]

    @Test(arguments: orders)
    func `passes orders on`(order: Order) async throws {
        let answer = try await self.send(order.method, order.path, order.body)
        #expect(answer.status.code == order.status, "\(answer.text)")
        #expect(self.replica.edit { $0.calls }.filter { !$0.hasPrefix("wait 7") } == order.calls)
        #expect(try answer.integer("epoch") == 7)
    }

    static let faults: [(method: HTTPRequest.Method, path: String, body: String, place: String)] = [
        (.post, "/models/LSTM/switch", "{}", "version"),
        (.post, "/models/LSTM/switch", #"{"version":"latest"}"#, "version"),
        (.post, "/models/LSTM/switch", #"{"version":"v2","canary":{"steps":[10,5,100]}}"#, "steps"),
        (.post, "/models/LSTM/switch", #"{"version":"v2","canary":{"steps":[10,50]}}"#, "steps"),
        (.post, "/models/LSTM/switch", #"{"version":"v2","canary":{"max_error_rate":2}}"#, "max_error_rate"),
        (.post, "/models/LSTM/switch", #"{"version":"v2","sudo":true}"#, "sudo"),
        (.put, "/models/LSTM/traffic", #"{"split":{"v1":90,"v2":11}}"#, "split"),
        (.put, "/models/LSTM/traffic", #"{"split":{"v1":99.5,"v2":0.5}}"#, "v1"),
        (.put, "/models/LSTM/traffic", #"{"split":{"latest":100}}"#, "latest"),
        (.put, "/models/LSTM/traffic", "{}", "split"),
        (.put, "/models/LSTM/traffic", #"{"shadow":"latest"}"#, "shadow"),
        (.put, "/models/LSTM/traffic", #"{"shadow":{"version":"v2","percent":0}}"#, "shadow"),
        (.put, "/models/LSTM/traffic", #"{"shadow":{"version":"v2","share":1}}"#, "shadow"),
        (.put, "/models/LSTM/traffic", #"{"shadow":{"version":"v2","field":"a b"}}"#, "shadow"),
        (.put, "/models/LSTM/aliases/latest", #"{"version":"v1"}"#, "alias"),
        (.post, "/models/LSTM/versions/v1/retire", #"{"timeout":-1}"#, "timeout"),
        (.post, "/models/LSTM/versions", #"{"version":"latest"}"#, "version"),
        (.post, "/models/LSTM/versions", #"{"services":["a"]}"#, "version"),
        (.post, "/models/LSTM/versions", #"{"version":"v3","services":[]}"#, "services"),
        (.post, "/models/LSTM/versions", #"{"version":"v3","services":["a","a"]}"#, "services"),
        (.post, "/models/LSTM/versions", #"{"version":"v3","parameters":[1]}"#, "parameters"),
    ]

    @Test(arguments: faults)
    func `refuses what makes no sense, and says where`(
        one: (method: HTTPRequest.Method, path: String, body: String, place: String)
    ) async throws {
        let answer = try await self.send(one.method, one.path, one.body)
        #expect(answer.status == .unprocessableContent, "\(answer.text)")
        #expect(answer.text.contains("\"\(one.place)\""))
        #expect(self.replica.edit { $0.calls } == [])
    }

    static let refusals: [(refusal: ModelRefusal, status: Int, code: String, says: String)] = [
        (.absent, 404, "model_not_found", "LSTM"), (.unknown(version: "v9"), 404, "version_not_found", "v9"),
        (.unexpected(latest: "v3"), 409, "version_conflict", "v3"),
        (.notReady(state: "draining", version: "v7"), 409, "version_conflict", "version v7 is draining"),
        (.notReady(state: "failed", version: "v7"), 409, "version_conflict", #"\"force\": true overlooks"#),
        (.rolling(version: "v4"), 409, "version_conflict", "v4"),
        (.split(shares: "v1=90,v2=10"), 409, "version_conflict", "is split by hand: v1=90,v2=10"),
        (.split(shares: "v1=90,v2=10"), 409, "version_conflict", "DELETE /models/LSTM/traffic first"),
        (.noHistory, 409, "version_conflict", "never switched"),
        (.noAlias, 404, "version_not_found", "alias"), (.isVersion, 409, "version_conflict", "name"),
        (.inUse(by: "traffic", state: "serving"), 409, "version_in_use", "is serving: it has a share of the traffic"),
        (.inUse(by: "latest", state: "serving"), 409, "version_in_use", "POST /models/LSTM/switch"),
        (.inUse(by: "shadow", state: "ready"), 409, "version_in_use", "DELETE /models/LSTM/traffic"),
        (.inUse(by: "rollout", state: "ready"), 409, "version_in_use", "POST /models/LSTM/rollback"),
        (.inUse(by: "alias best", state: "ready"), 409, "version_in_use", "/models/LSTM/aliases/best"),
        (.notRetirable(state: "loading"), 409, "version_conflict", "when its deployment has ended"),
        (.notDeployable(state: "draining"), 409, "version_conflict", "neither loads nor drains"),
        (.otherArtifact("s3://a"), 409, "version_conflict", "s3://a"),
        (.unevaluated(verdict: "none"), 409, "version_conflict", "never tested"),
        (.stale, 409, "version_conflict", "faster"),
    ]

    @Test(arguments: refusals)
    func `tells why the store refused`(
        one: (refusal: ModelRefusal, status: Int, code: String, says: String)
    ) async throws {
        self.replica.edit { $0.modelReply = .refused(one.refusal) }
        let answer = try await self.send(.post, "/models/LSTM/switch", #"{"version":"v2"}"#)
        #expect(answer.status.code == one.status)
        #expect(try answer.members()["code"] as? String == one.code)
        #expect(answer.text.contains(one.says))
    }

    @Test func `names the replicas that a switch waited for in vain`() async throws {
        self.replica.edit { $0.behind = [ReplicaBehind(replica: "r3", epoch: Epoch(1), remaining: .seconds(1))] }
        let answer = try await self.send(.post, "/models/LSTM/switch", #"{"version":"v2"}"#)
        #expect(answer.status == .serviceUnavailable)
        #expect(answer.headers[.retryAfter] == "1")
        #expect(answer.text.contains("r3"))
    }

    @Test func `shows a version with its state and how it came to be`() async throws {
        let answer = try await self.replica.send(.get, "/models/LSTM/versions/v2").members()
        #expect(answer["state"] as? String == "ready")
        #expect((answer["provenance"] as? [String: Any])?["service_id"] as? String == "b")
        #expect(
            try await self.replica.send(.get, "/models/LSTM/versions/latest").members()["version"] as? String == "v1"
        )
        #expect(try await self.replica.send(.get, "/models/LSTM/versions/v9").status == .notFound)
    }

    @Test(arguments: [
        (HTTPRequest.Method.get, "/models/LSTM/versions/v9"), (.get, "/v2/models/LSTM/versions/v9"),
        (.post, "/models/LSTM/versions/v9/evaluate"),
    ])
    func `asks the store for a version that it does not know before it says that there is none`(
        one: (method: HTTPRequest.Method, path: String)
    ) async throws {
        let body = one.method == .get ? "" : #"{"dataset":{"inline":[{"data":1,"expected":1}]},"metric":"mae"}"#
        #expect(try await self.send(one.method, one.path, body).status == .notFound)
        self.replica.edit { $0.follows = false }
        try self.replica.add("c") { service in
            service.definition.modelVersion = ModelVersion("v9") ?? .unnamed
            service.epoch = Epoch(8)
        }
        self.replica.edit { $0.catchesUp = true }
        let answer = try await self.send(one.method, one.path, body)
        #expect(answer.status.code < 300, "\(answer.text)")
    }

    private func send(_ method: HTTPRequest.Method, _ path: String, _ body: String) async throws -> TestResponse {
        try await self.replica.send(method, path, body: body.isEmpty ? nil : body)
    }
}
