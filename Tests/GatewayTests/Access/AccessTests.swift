import Decisions
import ManagerTesting
import NIOCore
import Registry
import Testing

@testable import Gateway

/// Whom the data plane's own door lets in. What it leaves to the general door is answered there with `general …`.
@Suite(.timeLimit(.minutes(5))) struct `Access at the fast door` {
    private static let key = "mmk_ops_secret"

    private static func ring(_ scope: [String]? = nil, expires: Timestamp? = nil) throws -> Keyring {
        let scope = scope.map { AccessScope($0.map(Glob.init)) }
        let principal = Principal(id: "ops", role: .predict, scope: scope, expires: expires)
        return Keyring([AccessKey(digest: try #require(CredentialDigest(of: Self.key)), principal: principal)])
    }

    private func run(
        _ ring: Keyring?,
        forwards: Bool = false,
        _ body: (Setting, StubUpstream) async throws -> Void
    ) async throws {
        let stub = try await StubUpstream.answering(StubUpstream.json("{}"))
        try await Setting.run { settings in
            settings.authenticates = true
        } _: { setting in
            setting.register([try Setting.service("a", at: stub.url) { $0.forwardsAuthorization = forwards }])
            if let ring { setting.plane.setKeys(ring) }
            try await body(setting, stub)
        }
        await stub.stop()
    }

    private func expect(
        _ headers: String,
        isLetIn: Bool,
        _ setting: Setting,
        _ location: SourceLocation = #_sourceLocation
    ) async throws {
        let answer = try await setting.predict(headers: headers)
        #expect(answer.status == 200, sourceLocation: location)
        #expect(answer.body.hasPrefix("general ") == !isLetIn, sourceLocation: location)
    }

    @Test(arguments: [
        "authorization: Bearer \(Self.key)\r\n", "Authorization: bearer   \(Self.key) \r\n",
        "AUTHORIZATION: BEARER \(Self.key)\r\n", "x-api-key: \(Self.key)\r\n", "X-API-Key:\(Self.key)\r\n",
        "x-api-key: \(Self.key)\r\nauthorization: Bearer another\r\n",
    ]) func `a key it knows`(headers: String) async throws {
        try await self.run(try Self.ring()) { setting, _ in
            try await self.expect(headers, isLetIn: true, setting)
        }
    }

    @Test(arguments: [
        "", "authorization: Bearer \(Self.key)x\r\n", "authorization: Bearer \(Self.key.uppercased())\r\n",
        "authorization: \(Self.key)\r\n", "authorization: Basic b3BzOm1ta19vcHNfc2VjcmV0\r\n",
        "authorization: Bearer\r\n", "authorization: Bearer \r\n", "authorization:\r\n", "x-api-key:\r\n",
        "x-api-key: wrong\r\nauthorization: Bearer \(Self.key)\r\n",
        "x-api-key: \(Self.key)\r\nx-api-key: \(Self.key)\r\n", "cookie: key=\(Self.key)\r\n",
        "proxy-authorization: Bearer \(Self.key)\r\n", "x-mm-key: \(Self.key)\r\n",
    ]) func `leaves everybody else to the general door`(headers: String) async throws {
        try await self.run(try Self.ring()) { setting, stub in
            try await self.expect(headers, isLetIn: false, setting)
            #expect(stub.requests.isEmpty)
        }
    }

    @Test func `nobody before it was told of keys, and nobody with a key that has expired or was taken away`()
        async throws
    {
        let header = "x-api-key: \(Self.key)\r\n"
        try await self.run(nil) { setting, _ in
            try await self.expect(header, isLetIn: false, setting)
            setting.plane.setKeys(try Self.ring(expires: Timestamp(milliseconds: 1)))
            try await self.expect(header, isLetIn: false, setting)
            setting.plane.setKeys(try Self.ring(expires: Timestamp(milliseconds: .max)))
            try await self.expect(header, isLetIn: true, setting)
            setting.plane.setKeys(Keyring())
            try await self.expect(header, isLetIn: false, setting)
        }
    }

    @Test func `each request of a connection shows its own key`() async throws {
        try await self.run(try Self.ring()) { setting, stub in
            let caller = try await setting.caller()
            try await caller.send(
                Setting.request(headers: "x-api-key: \(Self.key)\r\n") + Setting.request()
                    + Setting.request(headers: "x-api-key: \(Self.key)\r\n")
            )
            let answers = try await caller.answers(3)
            #expect(answers.map { $0.body.hasPrefix("general ") } == [false, true, false])
            #expect(stub.requests.count == 2)
            await caller.close()
        }
    }

    @Test func `a token that was checked, until the keys that it was checked with change`() async throws {
        let token = "aaa.bbb.ccc"
        let header = "authorization: Bearer \(token)\r\n"
        let digest = try #require(CredentialDigest(of: token))
        let principal = Principal(id: "jwt", role: .predict, expires: Timestamp(milliseconds: .max))
        try await self.run(nil) { setting, _ in
            try await self.expect(header, isLetIn: false, setting)
            setting.plane.admitToken(digest, principal, of: 0)
            try await self.expect(header, isLetIn: true, setting)
            try await self.expect("x-api-key: \(token)\r\n", isLetIn: false, setting)
            setting.plane.forgetTokens()
            try await self.expect(header, isLetIn: false, setting)
            setting.plane.admitToken(digest, principal, of: 0)
            try await self.expect(header, isLetIn: false, setting)
            setting.plane.admitToken(digest, principal, of: 1)
            try await self.expect(header, isLetIn: true, setting)
        }
    }

    @Test(arguments: [
        ("authorization: Bearer \(Self.key)\r\ncookie: a=b\r\n", ["cookie: a=b"]),
        ("x-api-key: \(Self.key)\r\nauthorization: Bearer theirs\r\n", ["authorization: Bearer theirs"]),
        ("authorization: Bearer aaa.bbb.ccc\r\n", ["authorization: Bearer aaa.bbb.ccc"]),
    ]) func `a key goes on to no service, also to one that asked for credentials`(
        headers: String,
        kept: [String]
    ) async throws {
        try await self.run(try Self.ring(), forwards: true) { setting, stub in
            let principal = Principal(id: "jwt", role: .predict, expires: Timestamp(milliseconds: .max))
            setting.plane.admitToken(try #require(CredentialDigest(of: "aaa.bbb.ccc")), principal, of: 0)
            try await self.expect(headers, isLetIn: true, setting)
            let request = try #require(stub.requests.last)
            #expect(!request.contains(Self.key))
            for line in kept { #expect(request.contains("\(line)\r\n")) }
        }
    }

    @Test func `a scope bounds which models may be asked`() async throws {
        let stub = try await StubUpstream.answering(StubUpstream.json("{}"))
        try await Setting.run { settings in
            settings.authenticates = true
        } _: { setting in
            setting.register([
                try Setting.service("mine_1", at: stub.url), try Setting.service("mine_2", at: stub.url),
                try Setting.service("theirs", at: stub.url, version: "v2"),
            ])
            setting.plane.setKeys(try Self.ring(["mine_*"]))
            let header = "x-api-key: \(Self.key)\r\n"
            #expect(try await setting.predict(headers: header).status == 200)
            let version = #"{"model_type":"LSTM","model_version":"v2","data":[1]}"#
            let refused = try await setting.predict(version, headers: header)
            #expect(refused.status == 403)
            #expect(refused["x-mm-error-code"] == "forbidden")
            let both =
                #"{"model_type":"LSTM","data":[1],"aggregate":{"strategy":"all","over":["LSTM@default","LSTM@v2"]}}"#
            #expect(try await setting.predict(both, headers: header).status == 403)
            // One service that is not his is enough: he might be sent there.
            setting.plane.setKeys(try Self.ring(["mine_1"]))
            #expect(try await setting.predict(headers: header).status == 403)
            #expect(stub.requests.count == 1)
        }
        await stub.stop()
    }

    @Test func `a scope holds for requests of the general door`() async throws {
        let stub = try await StubUpstream.answering(StubUpstream.json("{}"))
        try await Setting.run { setting in
            setting.register([try Setting.service("theirs", at: stub.url)])
            for operation in [GatewayRequest.Operation.predict, .train] {
                var request = GatewayRequest(
                    operation: operation,
                    headers: [],
                    body: ByteBuffer(string: #"{"model_type":"LSTM","data":[1]}"#)
                )
                request.scope = AccessScope([Glob("mine")])
                #expect(await setting.plane.exchange(request).status == 403)
                request.scope = AccessScope([Glob("theirs")])
                #expect(await setting.plane.exchange(request).status == 200)
            }
        }
        await stub.stop()
    }
}
