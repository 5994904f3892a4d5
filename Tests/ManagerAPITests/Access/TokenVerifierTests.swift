import Decisions
import ManagerTesting
import Registry
import Testing

@testable import ManagerAPI

@Suite struct `The verifier of tokens` {
    static let second: Int64 = 1_795_500_000
    static let now = Timestamp(milliseconds: second * 1000)
    static let claims: JSONObject = [
        "sub": "ci", "iss": "https://id.example", "aud": "model-manager", "roles": ["operator"],
        "exp": .integer(second + 3600),
    ]
    static let issuer = "https://id.example"

    static func verifier(_ jwks: String) throws -> TokenVerifier {
        try TokenVerifier(jwks: jwks, issuer: self.issuer, audience: "model-manager")
    }

    static func verifier() throws -> TokenVerifier {
        try self.verifier(try TestIssuer.first.get().jwks())
    }

    static func with(_ changes: [(String, JSONValue?)]) -> JSONValue {
        var claims = self.claims
        for (name, value) in changes { claims[name] = value }
        return .object(claims)
    }

    // MARK: Accepted

    @Test(arguments: TokenAlgorithm.allCases) func `accepts a good token of`(algorithm: TokenAlgorithm) async throws {
        let issuer = try TestIssuer.first.get()
        for name in [algorithm.kind.rawValue, nil] {
            let token = try await issuer.token(algorithm, named: name, claims: .object(Self.claims))
            let principal = try await Self.verifier().verify(token, now: Self.now).get()
            #expect(principal.id == "ci")
            #expect(principal.role == .operator)
            #expect(principal.expires == Timestamp(milliseconds: (Self.second + 3600) * 1000))
        }
    }

    @Test func `reads the services of a token`() async throws {
        let issuer = try TestIssuer.first.get()
        let token = try await issuer.token(
            .es256,
            claims: Self.with([("services", ["lstm-*"]), ("aud", ["a", "model-manager"])])
        )
        #expect(try await Self.verifier().verify(token, now: Self.now).get().scope == AccessScope([Glob("lstm-*")]))
    }

    @Test func `finds one of several keys, by its name or by trying the few that fit`() async throws {
        let (first, second) = (try TestIssuer.first.get(), try TestIssuer.second.get())
        let jwks = TestIssuer.set([try first.jwk(.rsa, named: "old"), try second.jwk(.rsa, named: "new")])
        for name in ["new", nil] {
            let token = try await second.token(.rs256, named: name, claims: .object(Self.claims))
            #expect(throws: Never.self) { try Self.verifier(jwks) }
            #expect(try await Self.verifier(jwks).verify(token, now: Self.now).get().id == "ci")
        }
        let misnamed = try await second.token(.rs256, named: "old", claims: .object(Self.claims))
        #expect(try await Self.verifier(jwks).verify(misnamed, now: Self.now) == .failure(.wrongSignature))
    }

    @Test func `tries only a few keys for a token that names none`() async throws {
        let issuer = try TestIssuer.first.get()
        var keys = [try issuer.jwk(.p256, named: "its")]
        let token = try await issuer.token(.es256, claims: .object(Self.claims))
        for index in 1..<TokenKeySet.triedKeysMax { keys.append(try TestIssuer().jwk(.p256, named: "k\(index)")) }
        #expect(try await Self.verifier(TestIssuer.set(keys)).verify(token, now: Self.now).get().id == "ci")
        keys.insert(try TestIssuer.second.get().jwk(.p256, named: "more"), at: 0)
        #expect(try await Self.verifier(TestIssuer.set(keys)).verify(token, now: Self.now) == .failure(.unnamedKey))
        let named = try await issuer.token(.es256, named: "its", claims: .object(Self.claims))
        #expect(try await Self.verifier(TestIssuer.set(keys)).verify(named, now: Self.now).get().id == "ci")
    }

    /// A key without `alg` must not take on the algorithm of whoever comes first.
    @Test func `lets a stranger's token change nothing for the next`() async throws {
        let verifier = try Self.verifier()
        let issuer = try TestIssuer.first.get()
        for algorithm in [TokenAlgorithm.rs512, .ps256, .rs256] {
            let stranger = try await TestIssuer.second.get().token(
                algorithm,
                named: "rsa",
                claims: .object(Self.claims)
            )
            #expect(await verifier.verify(stranger, now: Self.now) == .failure(.wrongSignature))
            let token = try await issuer.token(.rs256, named: "rsa", claims: .object(Self.claims))
            #expect(try await verifier.verify(token, now: Self.now).get().id == "ci")
        }
    }

    // MARK: Claims, signed

    @Test(
        arguments: [
            ("exp", .integer(second - 60), .expired), ("exp", nil, .noExpiry), ("exp", "1", .claimOfWrongForm),
            ("nbf", .integer(second + 61), .notYetValid), ("iss", "https://id.example.evil", .wrongIssuer),
            ("iss", nil, .wrongIssuer), ("aud", "other", .wrongAudience), ("aud", ["a", "b"], .wrongAudience),
            ("aud", nil, .wrongAudience), ("sub", nil, .noSubject), ("sub", "a\nb", .unusableSubject),
            ("roles", nil, .noRole), ("roles", 7, .claimOfWrongForm), ("roles", [["admin"]], .claimOfWrongForm),
            ("roles", "root", .noRole), ("services", "x", nil), ("services", 1, .claimOfWrongForm),
        ] as [(String, JSONValue?, TokenFault?)]
    )
    func `judges what is signed`(claim: String, value: JSONValue?, fault: TokenFault?) async throws {
        let token = try await TestIssuer.first.get().token(.eddsa, claims: Self.with([(claim, value)]))
        let verdict = try await Self.verifier().verify(token, now: Self.now)
        if let fault { #expect(verdict == .failure(fault)) } else { #expect(throws: Never.self) { try verdict.get() } }
    }

    @Test(arguments: [
        "", "[]", "7", "{", #"{"sub":"ci"}{}"#, #"{"sub":"a","sub":"ci"}"#, "\u{FEFF}{}", "{\"sub\":\"\\ud800\"}",
        String(repeating: "[", count: 3000),
    ])
    func `refuses what is signed and is no JSON object`(claims: String) async throws {
        let issuer = try TestIssuer.first.get()
        let token = try await issuer.token(.eddsa, header: #"{"alg":"EdDSA"}"#, claims: claims)
        #expect(try await Self.verifier().verify(token, now: Self.now) == .failure(.malformedClaims))
    }
}
