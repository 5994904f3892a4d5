import Decisions
import Registry
import Testing

@Suite struct `The rules of claims` {
    /// 2026-11-24, in seconds; the token is of an hour before and for an hour more.
    static let second: Int64 = 1_795_500_000
    static let now = Timestamp(milliseconds: second * 1000)
    static let rules = ClaimRules(issuer: "https://id.example", audience: "model-manager")
    static let good: JSONObject = [
        "sub": "ci@example.com", "iss": "https://id.example", "aud": "model-manager", "roles": ["predict", "operator"],
        "exp": .integer(second + 3600), "nbf": .integer(second - 3600),
    ]

    static func principal(_ changes: [(String, JSONValue?)] = [], rules: ClaimRules = rules) throws(TokenFault)
        -> Principal
    {
        var claims = self.good
        for (name, value) in changes { claims[name] = value }
        return try rules.principal(of: try TokenClaims(claims), now: self.now)
    }

    @Test func `make a principal of who, what and until when`() throws {
        let principal = try Self.principal()
        #expect(principal.id == "ci@example.com")
        #expect(principal.role == .operator)
        #expect(principal.scope == nil)
        #expect(principal.expires == Timestamp(milliseconds: (Self.second + 3600) * 1000))
    }

    @Test func `narrow it to the services that the token names`() throws {
        let scope = try Self.principal([("services", ["lstm-*", "gru"])]).scope
        #expect(scope?.services.map(\.description) == ["lstm-*", "gru"])
        let none = try Self.principal([("services", [])]).scope
        #expect(try none?.allows(#require(ServiceID("gru"))) == false)
    }

    @Test(
        arguments: [
            ("aud", ["other", "model-manager"]), ("roles", "admin"), ("roles", ["offline_access", "predict"]),
            ("exp", .number(Double(second) + 0.5)), ("exp", .integer(second - 59)), ("exp", .number(1e300)),
            ("nbf", .integer(second + 60)), ("nbf", nil), ("nbf", .number(-1e300)), ("iat", "yesterday"),
            ("sub", "auth0|5f7c8ec7"), ("sub", "system:serviceaccount:ml:trainer"),
            ("sub", "spiffe://example.org/ml/~a+b="),
            ("sub", .string(String(repeating: "a", count: 128))),
        ] as [(String, JSONValue?)]
    )
    func `accept`(claim: String, value: JSONValue?) throws {
        #expect(throws: Never.self) { try Self.principal([(claim, value)]) }
    }

    @Test(
        arguments: [
            ("exp", nil, .noExpiry), ("exp", .integer(second - 60), .expired), ("exp", .integer(0), .expired),
            ("exp", .integer(-5), .expired), ("exp", .number(-1e300), .expired),
            ("exp", .string("\(second + 3600)"), .claimOfWrongForm), ("exp", .null, .claimOfWrongForm),
            ("exp", true, .claimOfWrongForm),
            ("nbf", .integer(second + 61), .notYetValid), ("nbf", "0", .claimOfWrongForm),
            ("iss", nil, .wrongIssuer), ("iss", "https://id.example/", .wrongIssuer), ("iss", ["a"], .claimOfWrongForm),
            ("aud", nil, .wrongAudience), ("aud", "Model-Manager", .wrongAudience), ("aud", [], .wrongAudience),
            ("aud", ["model-manager", 1], .claimOfWrongForm), ("aud", [:], .claimOfWrongForm),
            ("sub", nil, .noSubject), ("sub", "", .noSubject), ("sub", 7, .claimOfWrongForm),
            ("sub", "a b", .unusableSubject), ("sub", "a\nb", .unusableSubject), ("sub", "a\"b", .unusableSubject),
            ("sub", "a<b", .unusableSubject), ("sub", "a\\b", .unusableSubject), ("sub", "\u{202E}a", .unusableSubject),
            ("sub", "ä", .unusableSubject), ("sub", "a\u{0301}", .unusableSubject), ("sub", "a,b", .unusableSubject),
            ("sub", .string(String(repeating: "a", count: 129)), .unusableSubject),
            ("roles", nil, .noRole), ("roles", [], .noRole), ("roles", ["Admin", "root"], .noRole),
            ("roles", "predict operator", .noRole), ("roles", ["admin", 1], .claimOfWrongForm),
            ("roles", ["admin": true], .claimOfWrongForm), ("roles", .null, .claimOfWrongForm),
            ("services", .null, .claimOfWrongForm), ("services", [1], .claimOfWrongForm),
            ("services", [:], .claimOfWrongForm),
        ] as [(String, JSONValue?, TokenFault)]
    )
    func `refuse`(claim: String, value: JSONValue?, fault: TokenFault) {
        #expect(throws: fault) { try Self.principal([(claim, value)]) }
    }

    @Test func `ask for no issuer and no audience when none is set`() {
        let changes: [(String, JSONValue?)] = [("iss", nil), ("aud", "somebody else")]
        #expect(throws: Never.self) { try Self.principal(changes, rules: ClaimRules()) }
        #expect(throws: TokenFault.wrongIssuer) { try Self.principal(changes, rules: ClaimRules(issuer: "x")) }
        #expect(throws: TokenFault.wrongAudience) { try Self.principal(changes, rules: ClaimRules(audience: "x")) }
    }

    @Test func `have a word and a sentence of its own for each fault`() {
        #expect(Set(TokenFault.allCases.map(\.sentence)).count == TokenFault.allCases.count)
        for fault in TokenFault.allCases { #expect(fault.rawValue.wholeMatch(of: /[a-z_]+/) != nil) }
    }
}
