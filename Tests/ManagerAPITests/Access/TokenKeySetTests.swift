import Registry
import Testing

@testable import ManagerAPI

@Suite struct `The keys of tokens` {
    static func fault(_ jwks: String) -> String {
        do throws(TokenVerifier.Unusable) {
            _ = try TokenVerifier(jwks: jwks, issuer: nil, audience: nil)
            return "none"
        } catch {
            return error.description
        }
    }

    static func changed(_ kind: TestIssuer.Kind, _ changes: [(String, JSONValue?)]) throws -> JSONObject {
        var jwk = try TestIssuer.first.get().jwk(kind, named: "k1")
        for (name, value) in changes { jwk[name] = value }
        return jwk
    }

    @Test(arguments: [
        ("", "line 1, column 1: it ends"), ("{\n \"keys\": [}", "line 2, column 11: \"}\" stands"),
        ("[]", "must be a JWK set"), ("{}", "must be a JWK set"), (#"{"keys":{}}"#, "must be a JWK set"),
        (#"{"keys":[]}"#, "has no key for signatures"), (#"{"keys":[7]}"#, "keys.0 must be an object"),
        (#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#, "keys.0 is a shared secret"),
        (#"{"keys":[{"kid":"a","kty":"AKP"}]}"#, #"keys.0 (kid "a") is of a kind that is not supported"#),
        (#"{"keys":[{"kid":"a\nb"}]}"#, "keys.0 its kty must be there"),
    ])
    func `are refused`(jwks: String, words: String) {
        #expect(Self.fault(jwks).hasPrefix(words))
    }

    @Test(
        arguments: [
            (.rsa, "d", "AAAA", "holds a private key"), (.p256, "d", "AAAA", "holds a private key"),
            (.ed25519, "k", "AAAA", "holds a private key"), (.rsa, "kty", "oct", "is a shared secret"),
            (.rsa, "n", nil, "its n must be there"), (.rsa, "n", "AQAB", "is no RSA key of 2048 bits"),
            (.rsa, "n", "a=", "its n is not base64url"), (.rsa, "e", 3, "its e must be there"),
            (.rsa, "alg", "HS256", "is for an algorithm (alg) that is not accepted"),
            (.rsa, "alg", "RSA-OAEP", "is for an algorithm (alg) that is not accepted"),
            (.p256, "alg", "ES384", "is for an algorithm (alg) that is not accepted"),
            (.p256, "crv", "secp256k1", "is on a curve"), (.p256, "crv", "P-384", "is no point of the curve P-384"),
            (.p256, "x", "AAAA", "is no point of the curve P-256"), (.ed25519, "crv", "X25519", "is on a curve"),
            (.ed25519, "x", "AAAA", "is no point of the curve Ed25519"), (.p521, "kid", 7, "its kid must be there"),
            (.p256, "key_ops", "verify", "its key_ops must be a list"),
        ] as [(TestIssuer.Kind, String, JSONValue?, String)]
    )
    func `are refused each with its place`(kind: TestIssuer.Kind, member: String, value: JSONValue?, words: String)
        throws
    {
        let good = try TestIssuer.second.get().jwk(kind)
        let fault = Self.fault(TestIssuer.set([good, try Self.changed(kind, [(member, value)])]))
        #expect(fault.hasPrefix("keys.1"))
        #expect(fault.contains(words), "\(fault)")
    }

    /// Issuers publish keys for encryption beside those for signatures.
    @Test(arguments: [("use", "enc"), ("key_ops", ["encrypt"]), ("key_ops", [])] as [(String, JSONValue)])
    func `that are for something else are left out`(member: String, value: JSONValue) throws {
        let other = try Self.changed(.rsa, [(member, value), ("alg", "RSA-OAEP")])
        #expect(Self.fault(TestIssuer.set([other, try TestIssuer.first.get().jwk(.p256)])) == "none")
        #expect(Self.fault(TestIssuer.set([other])) == "has no key for signatures")
        let secret = try Self.changed(.rsa, [(member, value), ("d", "AAAA")])
        #expect(Self.fault(TestIssuer.set([secret])).contains("holds a private key"))
    }

    @Test func `may say more of themselves`() throws {
        let more: [(String, JSONValue?)] = [
            ("use", "sig"), ("key_ops", ["verify"]), ("alg", "PS256"), ("x5c", ["AAAA"]), ("x5t", "AAAA"), ("iat", 7),
        ]
        #expect(Self.fault(TestIssuer.set([try Self.changed(.rsa, more)])) == "none")
    }

    @Test func `share no name unless they are for different algorithms`() throws {
        let (first, second) = (try TestIssuer.first.get(), try TestIssuer.second.get())
        let twice = TestIssuer.set([try first.jwk(.rsa, named: "a"), try second.jwk(.rsa, named: "a")])
        #expect(Self.fault(twice) == #"keys.1 (kid "a") is there twice"#)
        let kinds = TestIssuer.set([try first.jwk(.rsa, named: "a"), try first.jwk(.p256, named: "a")])
        #expect(Self.fault(kinds) == "none")
    }

    @Test func `are at most a hundred`() throws {
        let key = try TestIssuer.first.get().jwk(.p256)
        #expect(Self.fault(TestIssuer.set(.init(repeating: key, count: TokenKeySet.keysMax))) == "none")
        #expect(Self.fault(TestIssuer.set(.init(repeating: key, count: TokenKeySet.keysMax + 1))).contains("more than"))
    }

    @Test func `never show what they are made of`() throws {
        let modulus = try #require(try TestIssuer.first.get().jwk(.rsa)["n"]?.asString)
        for member in ["e", "alg", "kid", "crv", "kty", "use"] {
            let fault = Self.fault(TestIssuer.set([try Self.changed(.rsa, [(member, .string(modulus))])]))
            #expect(!fault.contains(modulus.prefix(20)), "\(fault)")
        }
    }
}
