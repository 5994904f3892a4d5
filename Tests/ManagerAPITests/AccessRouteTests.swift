import Decisions
import Gateway
import HTTPTypes
import HummingbirdTesting
import Logging
import NIOCore
import Registry
import Synchronization
import Testing

@testable import ManagerAPI

/// Who gets what from which route, where callers must show who they are.
@Suite struct `Access to routes` {
    private let replica = FakeReplica()
    private let desk: AccessDesk
    private let told = Told()
    /// After the clock of the fake replica.
    private static let future = Timestamp(milliseconds: FakeReplica.started.milliseconds + 3_600_000)

    private final class Told: Sendable {
        let tokens = Mutex<[UInt64]>([])
        let checks = Mutex(0)
    }

    init() throws {
        let told = self.told
        self.desk = AccessDesk(
            telling: AccessDesk.Listener(
                keys: { _ in },
                token: { _, _, generation in told.tokens.withLock { $0.append(generation) } },
                forgetTokens: {}
            )
        )
        self.desk.setKeys(
            Keyring([
                try Self.key("predict", .predict), try Self.key("operator", .operator), try Self.key("admin", .admin),
                try Self.key("old", .admin, expires: FakeReplica.started),
                try Self.key("mine", .operator, scope: ["mine_*"]),
            ])
        )
        let access = AccessGuard(desk: self.desk, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        self.replica.edit { $0.access = access }
    }

    private static func key(_ id: String, _ role: Role, scope: [String]? = nil, expires: Timestamp? = nil) throws
        -> AccessKey
    {
        let scope = scope.map { AccessScope($0.map(Glob.init)) }
        let principal = Principal(id: id, role: role, scope: scope, expires: expires)
        return AccessKey(digest: try #require(CredentialDigest(of: "key of \(id)")), principal: principal)
    }

    private func send(
        _ method: HTTPRequest.Method,
        _ uri: String,
        as id: String,
        body: String? = nil
    ) async throws -> TestResponse {
        try await self.replica.send(method, uri, headers: [.apiKey: "key of \(id)"], body: body)
    }

    // MARK: The matrix

    /// What is neither read by `predict` nor changed by `operator`.
    private static let exceptions: [String: Role] = [
        "listKeys": .admin, "predict": .predict,
        "train": .predict, "cancelJob": .predict, "listInferenceModels": .predict, "askInfer": .predict,
        "askInferVersion": .predict, "askGenerate": .predict, "askGenerateVersion": .predict,
        "askInferStream": .predict, "askInferStreamVersion": .predict, "askGenerateStream": .predict,
        "askGenerateStreamVersion": .predict,
    ]

    private static func needed(_ route: Route) -> Role? {
        if ["getLiveness", "getReadiness"].contains(route.name) { return nil }
        return Self.exceptions[route.name] ?? (route.method == .get ? .predict : .operator)
    }

    /// Every route with every kind of caller: 401 to whom nobody knows, 403 to whose role is too low, neither to others.
    @Test func `every route lets in whom its role allows, and nobody else`() async throws {
        let routes = self.replica.face().responder.table.routes
        #expect(Set(Self.exceptions.keys).isSubset(of: routes.map(\.name)))
        for route in routes {
            let needed = Self.needed(route)
            let uri = route.path.replacing("{", with: "").replacing("}", with: "")
            for caller in ["nobody", "unknown", "old", "predict", "operator", "admin"] {
                let headers: HTTPFields = caller == "nobody" ? [:] : [.apiKey: "key of \(caller)"]
                let address = "\(route.name) as \(caller)"
                let answer = try await self.replica.send(route.method, uri, headers: headers)
                let role = Role(rawValue: caller)
                switch (needed, role) {
                case (nil, _): #expect(answer.status != .unauthorized && answer.status != .forbidden, "\(address)")
                case (_, nil):
                    // Twenty unknown keys from one address are told so, further ones to wait.
                    let expected: Set<Int> = caller == "nobody" ? [401] : [401, 429]
                    #expect(expected.contains(answer.status.code), "\(address)")
                case (.some(let needed), .some(let role)):
                    #expect((answer.status == .forbidden) == (role < needed), "\(address)")
                    #expect(answer.status != .unauthorized, "\(address)")
                }
            }
        }
    }

    @Test(arguments: ["head", "options", "trace", "connect", "put", "propfind"])
    func `no method is a way around`(method: String) async throws {
        for path in ["/services", "/services/a", "/models", "/nothing", "/", "/keys", "/health/live/x", "/dashboard"] {
            let method = try #require(HTTPRequest.Method(method.uppercased()))
            #expect(try await self.replica.send(method, path).status == .unauthorized, "\(method) \(path)")
        }
    }

    @Test func `a stranger does not learn what there is`() async throws {
        #expect(try await self.replica.send(.get, "/nothing").status == .unauthorized)
        #expect(try await self.replica.send(.put, "/services").status == .unauthorized)
        #expect(try await self.send(.get, "/nothing", as: "predict").status == .notFound)
        #expect(try await self.send(.put, "/services", as: "predict").status == .methodNotAllowed)
        for path in ["//services", "/%2e%2e/services", "/health/live/..%2f..%2fservices", "/health/live;/../services"] {
            let status = try await self.replica.send(.get, path).status
            #expect([401, 400].contains(status.code), "\(path)")
        }
    }

    @Test func `nobody must show anything where authentication is off`() async throws {
        self.replica.edit { $0.access = nil }
        #expect(try await self.replica.send(.get, "/services").status == .ok)
        #expect(try await self.replica.send(.get, "/keys").text == #"{"keys":[]}"#)
    }

    // MARK: What is shown

    @Test(arguments: [
        ("Bearer key of predict", 200), ("bearer   key of predict", 200), ("BEARER key of predict ", 200),
        ("Bearer key of Predict", 401), ("key of predict", 401), ("Bearer", 401), ("Bearer ", 401), ("", 401),
        ("Token key of predict", 401), ("Basic bmFtZTprZXkgb2YgcHJlZGljdA==", 200), ("Basic a2V5IG9mIHByZWRpY3Q6", 200),
        ("Basic bmFtZTp3cm9uZw==", 401), ("Basic !!!", 401), ("Basic bmFtZQ==", 401), ("Basic /w==", 401),
        ("Bearer " + String(repeating: "x", count: 9000), 401),
    ]) func `Authorization is read strictly`(value: String, status: Int) async throws {
        let answer = try await self.replica.send(.get, "/services", headers: [.authorization: value])
        #expect(answer.status.code == status)
        #expect(!answer.text.contains("key of"))
    }

    @Test func `what browsers send by themselves changes nothing`() async throws {
        let headers: HTTPFields = [.authorization: "Basic bmFtZTprZXkgb2YgYWRtaW4="]
        #expect(try await self.replica.send(.get, "/services", headers: headers).status == .ok)
        for method in [HTTPRequest.Method.post, .put, .delete, .patch] {
            #expect(try await self.replica.send(method, "/services/a", headers: headers).status == .unauthorized)
        }
    }

    @Test func `credentials that stand twice are refused`() async throws {
        var headers = HTTPFields()
        for _ in 0..<2 { headers.append(HTTPField(name: .apiKey, value: "key of predict")) }
        #expect(try await self.replica.send(.get, "/services", headers: headers).status == .unauthorized)
    }

    @Test func `says how to be let in, and browsers that they may ask their user`() async throws {
        let plain = try await self.replica.send(.get, "/services")
        #expect(try plain.string("code") == "unauthorized")
        #expect(plain.headers[values: .wwwAuthenticate] == [#"Bearer realm="model-manager""#])
        let page = try await self.replica.send(.get, "/dashboard", headers: [.accept: "text/html,*/*"])
        #expect(page.headers[values: .wwwAuthenticate].last?.hasPrefix("Basic realm=") == true)
        let forbidden = try await self.send(.delete, "/services/a", as: "predict")
        #expect(try forbidden.string("code") == "forbidden")
        #expect(try forbidden.string("detail") == "it needs the role operator; predict has predict")
    }

    // MARK: Again and again

    @Test func `whoever shows wrong keys again and again is told to wait, and nobody else`() async throws {
        for _ in 0..<20 { #expect(try await self.send(.get, "/services", as: "unknown").status == .unauthorized) }
        let limited = try await self.send(.get, "/services", as: "unknown")
        #expect(limited.status == .tooManyRequests)
        #expect(try limited.string("code") == "rate_limited")
        #expect(limited.headers[.retryAfter] == "3")
        #expect(try await self.send(.get, "/services", as: "predict").status == .ok)
        #expect(try await self.replica.send(.get, "/services").status == .unauthorized)
        self.replica.edit { $0.now = $0.now + .seconds(3) }
        #expect(try await self.send(.get, "/services", as: "unknown").status == .unauthorized)
        let metrics = try await self.send(.get, "/metrics", as: "predict").text
        #expect(metrics.contains(#"model_manager_access_refused_total{reason="rate_limited"} 1"#))
        #expect(metrics.contains(#"model_manager_access_refused_total{reason="unknown"} 22"#))
        #expect(metrics.contains(#"model_manager_access_refused_total{reason="missing"} 1"#))
    }

    // MARK: Tokens

    @Test func `a token is checked once, and again when the keys change`() async throws {
        let told = self.told
        let principal = Principal(id: "jwt", role: .predict, expires: Self.future)
        let check: AccessDesk.TokenCheck = { token, _ in
            told.checks.withLock { $0 += 1 }
            return token == "a.b.c" ? .success(principal) : .failure(.token("its signature is wrong"))
        }
        let headers: HTTPFields = [.authorization: "Bearer a.b.c"]
        #expect(try await self.replica.send(.get, "/services", headers: headers).status == .unauthorized)
        self.desk.setTokenCheck(check)
        for _ in 0..<3 { #expect(try await self.replica.send(.get, "/services", headers: headers).status == .ok) }
        #expect(told.checks.withLock { $0 } == 1)
        #expect(told.tokens.withLock { $0 } == [1])
        self.desk.setTokenCheck(check)
        #expect(try await self.replica.send(.get, "/services", headers: headers).status == .ok)
        #expect(told.checks.withLock { $0 } == 2)
        #expect(told.tokens.withLock { $0 } == [1, 2])
        let wrong = try await self.replica.send(.get, "/services", headers: [.authorization: "Bearer a.b.d"])
        #expect(try wrong.string("error") == "the token is not accepted: its signature is wrong")
        // x-api-key is for keys.
        #expect(try await self.replica.send(.get, "/services", headers: [.apiKey: "a.b.c"]).status == .unauthorized)
    }

    // MARK: What goes on

    @Test func `a key stays here, what else the caller showed goes on`() async throws {
        let body = #"{"model_type":"LSTM","data":[1]}"#
        let predict = { (headers: HTTPFields) in
            let answer = try await self.replica.send(.post, "/predict", headers: headers, body: body)
            #expect(answer.status == .ok)
            return try #require(self.replica.edit { $0.exchanged.last })
        }
        let alone = try await predict([.authorization: "Bearer key of mine"])
        #expect(!alone.headers.contains { $0.name.lowercased() == "authorization" })
        #expect(alone.scope == AccessScope([Glob("mine_*")]))
        let both = try await predict([.apiKey: "key of predict", .authorization: "Bearer theirs"])
        #expect(both.headers.contains { $0.name.lowercased() == "authorization" && $0.value == "Bearer theirs" })
        #expect(!both.headers.contains { $0.name.lowercased() == "x-api-key" })
        #expect(both.scope == nil)
    }

    // MARK: Scopes

    private func registration(_ id: String, type: String) -> String {
        #"{"service_id":"\#(id)","service_url":"http://h:1","model_type":"\#(type)"}"#
    }

    @Test func `a scope bounds what may be changed, not what may be seen`() async throws {
        try self.replica.add("mine_1", type: "LSTM")
        try self.replica.add("theirs", type: "GRU")
        for path in ["/services/theirs", "/services", "/models/GRU"] {
            #expect(try await self.send(.get, path, as: "mine").status == .ok, "\(path)")
        }
        let changes: [(HTTPRequest.Method, String, String?)] = [
            (.delete, "", nil), (.patch, "", #"{"weight":5}"#), (.post, "/drain", nil), (.delete, "/drain", nil),
            (.post, "/heartbeat", nil),
        ]
        for (method, path, body) in changes {
            let other = try await self.send(method, "/services/theirs\(path)", as: "mine", body: body)
            #expect(other.status == .forbidden, "\(method) \(path)")
        }
        for (method, path, body) in changes.reversed() {
            let own = try await self.send(method, "/services/mine_1\(path)", as: "mine", body: body)
            #expect(own.status == .ok, "\(method) \(path): \(own.text)")
        }
    }

    @Test func `a caller with a scope registers his own services, and none into a model of others`() async throws {
        try self.replica.add("theirs", type: "GRU")
        for (id, type, status) in [("mine_1", "LSTM", 201), ("other", "LSTM", 403), ("mine_2", "GRU", 403)] {
            let body = self.registration(id, type: type)
            let answer = try await self.send(.post, "/services/register", as: "mine", body: body)
            #expect(answer.status.code == status, "\(id) \(type)")
        }
    }

    @Test func `orders about a model need all of its services`() async throws {
        try self.replica.add("mine_1", type: "LSTM")
        let order = #"{"version":"default"}"#
        #expect(try await self.send(.post, "/models/LSTM/switch", as: "mine", body: order).status == .ok)
        try self.replica.add("theirs", type: "LSTM")
        #expect(try await self.send(.post, "/models/LSTM/switch", as: "mine", body: order).status == .forbidden)
        #expect(try await self.send(.post, "/models/LSTM/switch", as: "operator", body: order).status == .ok)
    }

    @Test func `a scope bounds training, its data, and whose jobs may be cancelled`() async throws {
        let board = FakeBoard()
        self.replica.edit { $0.jobs = board }
        try self.replica.add("mine_1", type: "LSTM") { $0.definition.capabilities = ["training"] }
        try self.replica.add("theirs", type: "GRU") { $0.definition.capabilities = ["training"] }
        try self.replica.add("data", type: "DATA") { $0.definition.kind = .data }
        func submit(_ more: String, _ type: String) async throws -> Int {
            let body = #"{"model_type":"\#(type)","config":{}\#(more)}"#
            return try await self.send(.post, "/train", as: "mine", body: body).status.code
        }
        #expect(try await submit("", "LSTM") == 202)
        #expect(try await submit("", "GRU") == 403)
        let source = #","data_source":{"service":"data","query":{"path":"/"}}"#
        #expect(try await submit(source, "LSTM") == 403)
        let job = try #require(board.state.withLock { $0.job })
        #expect(try await self.send(.delete, "/train/\(job.id)", as: "mine").status == .accepted)
        board.state.withLock { $0.job?.modelType = ModelType("GRU") ?? job.modelType }
        #expect(try await self.send(.delete, "/train/\(job.id)", as: "mine").status == .forbidden)
        #expect(try await self.send(.delete, "/train/\(job.id)", as: "predict").status == .accepted)
    }

    // MARK: Keys

    @Test func `shows whose keys are accepted, and not what they look like`() async throws {
        let answer = try await self.send(.get, "/keys", as: "admin")
        let keys = try #require(try answer.members()["keys"] as? [[String: Any]])
        #expect(keys.map { $0["id"] as? String } == ["predict", "operator", "admin", "old", "mine"])
        #expect(keys.map { $0["expired"] as? Bool } == [false, false, false, true, false])
        #expect(keys.last?["services"] as? [String] == ["mine_*"])
        #expect(Set(keys.flatMap(\.keys)) == ["id", "role", "services", "expires", "expired"])
    }

    @Test func `the document says which role a route needs, and how to show it`() async throws {
        let answer = try await self.send(.get, "/openapi.json", as: "predict")
        let document = try JSONValue.parse(answer.text)
        for route in self.replica.face().responder.table.routes {
            let operation = document["paths"]?[route.path]?[route.method.rawValue.lowercased()]
            #expect(operation?["x-required-role"]?.asString == Self.needed(route)?.rawValue, "\(route.name)")
            #expect((operation?["security"] == nil) == (Self.needed(route) == nil), "\(route.name)")
            #expect((operation?["responses"]?["401"] == nil) == (Self.needed(route) == nil), "\(route.name)")
        }
        self.replica.edit { $0.access = nil }
        #expect(try await !self.replica.send(.get, "/openapi.json").text.contains("\"security\":"))
    }
}
