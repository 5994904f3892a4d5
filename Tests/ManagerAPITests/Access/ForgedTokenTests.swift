import Decisions
import JWTKit
import ManagerTesting
import Registry
import Testing

@testable import ManagerAPI

/// Tokens that people make who have no key, and what stops each.
@Suite struct `Forged tokens` {
    typealias Good = `The verifier of tokens`

    struct Forgery: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let fault: TokenFault
        let make: @Sendable (TestIssuer) async throws -> String

        init(_ name: String, _ fault: TokenFault, _ make: @escaping @Sendable (TestIssuer) async throws -> String) {
            self.testDescription = name
            self.fault = fault
            self.make = make
        }
    }

    static let claims = JSONValue.object(Good.claims)

    static func part(_ text: String) -> String { Base64URL.text(of: Array(text.utf8)) }

    /// A good one, in its three parts.
    static func parts(_ issuer: TestIssuer, _ algorithm: TokenAlgorithm = .rs256) async throws -> [String] {
        try await issuer.token(algorithm, named: algorithm.kind.rawValue, claims: self.claims).split(separator: ".")
            .map(String.init)
    }

    /// A good one with another header, under the signature of the old.
    static func reheaded(_ header: String) -> @Sendable (TestIssuer) async throws -> String {
        { issuer in
            let parts = try await self.parts(issuer)
            return [self.part(header), parts[1], parts[2]].joined(separator: ".")
        }
    }

    /// One that its issuer signed with this in the header.
    static func headed(_ more: [(String, JSONValue)]) -> @Sendable (TestIssuer) async throws -> String {
        { try await $0.token(.rs256, header: more, claims: self.claims) }
    }

    @Test(arguments: [
        Forgery("none", .refusedAlgorithm) { _ in part(#"{"alg":"none"}"#) + "." + part(claims.serialized()) + "." },
        Forgery("none with a signature", .refusedAlgorithm, reheaded(#"{"alg":"none"}"#)),
        Forgery("None", .refusedAlgorithm, reheaded(#"{"alg":"None"}"#)),
        Forgery("nOnE", .refusedAlgorithm, reheaded(#"{"alg":"nOnE"}"#)),
        Forgery("rs256 in small letters", .refusedAlgorithm, reheaded(#"{"alg":"rs256"}"#)),
        Forgery("no algorithm", .malformed, reheaded(#"{"typ":"JWT"}"#)),
        Forgery("an empty algorithm", .refusedAlgorithm, reheaded(#"{"alg":""}"#)),
        Forgery("an algorithm of a wrong form", .malformed, reheaded(#"{"alg":["RS256"]}"#)),
        Forgery("two algorithms", .malformed, reheaded(#"{"alg":"none","alg":"RS256"}"#)),
        Forgery("a public key as the secret of HS256", .refusedAlgorithm) { issuer in
            let signer = try await TestIssuer.secretSigner(issuer.rsa.publicKey.pemRepresentation)
            return try TestIssuer.token(
                header: #"{"alg":"HS256","kid":"rsa"}"#,
                claims: claims.serialized(),
                by: signer
            )
        },
        Forgery("the same, called RS256", .wrongSignature) { issuer in
            let signer = try await TestIssuer.secretSigner(issuer.rsa.publicKey.pemRepresentation)
            return try TestIssuer.token(
                header: #"{"alg":"RS256","kid":"rsa"}"#,
                claims: claims.serialized(),
                by: signer
            )
        },
        Forgery("another key of the same name", .wrongSignature) { _ in
            try await TestIssuer.second.get().token(.rs256, named: "rsa", claims: claims)
        },
        Forgery("another key without a name", .wrongSignature) { _ in
            try await TestIssuer.second.get().token(.es384, claims: claims)
        },
        Forgery("an unknown name", .unknownKey) { try await $0.token(.rs256, named: "../rsa", claims: claims) },
        Forgery("a name of a wrong form", .malformed, headed([("kid", ["rsa"])])),
        Forgery("a null name", .malformed, headed([("kid", .null)])),
        Forgery("the name of a key of another kind", .unfittingKey) {
            try await $0.token(.rs256, named: "p256", claims: claims)
        },
        Forgery("the name of a key of another curve", .unfittingKey) {
            try await $0.token(.es256, named: "p384", claims: claims)
        },
        Forgery("PS256 called RS256", .wrongSignature) { issuer in
            try await issuer.token(.ps256, header: [("alg", "RS256")], claims: claims)
        },
        Forgery("RS256 called RS384", .wrongSignature) { issuer in
            try await issuer.token(.rs256, header: [("alg", "RS384")], claims: claims)
        },
        Forgery("its own key in the header", .wrongSignature) { issuer in
            let other = try TestIssuer.second.get()
            let header: [(String, JSONValue)] = [("jwk", .object(try other.jwk(.rsa))), ("jku", "http://127.0.0.1:9/")]
            return try await other.token(.rs256, header: header, claims: claims)
        },
        Forgery("its own key in the header, of its own name", .unknownKey) { issuer in
            let other = try TestIssuer.second.get()
            let key = JSONValue.object(try other.jwk(.rsa, named: "mine"))
            return try await other.token(.rs256, named: "mine", header: [("jwk", key)], claims: claims)
        },
        Forgery("a critical extension", .criticalHeader, headed([("crit", ["b64"]), ("b64", false)])),
        Forgery("an empty list of them", .criticalHeader, headed([("crit", [])])),
        Forgery("changed claims", .wrongSignature) { issuer in
            let parts = try await parts(issuer)
            let more = JSONValue.object(["sub": "ci", "roles": ["admin"]]).serialized()
            return [parts[0], part(more), parts[2]].joined(separator: ".")
        },
        Forgery("a changed header", .wrongSignature, reheaded(#"{"alg":"RS256","kid":"rsa"}"#)),
        Forgery("no signature", .wrongSignature) { try await parts($0).dropLast().joined(separator: ".") + "." },
        Forgery("a signature cut short", .wrongSignature) { issuer in
            var parts = try await parts(issuer)
            parts[2] = Base64URL.text(of: Array(Base64URL.bytes(of: ArraySlice(parts[2].utf8))?.dropLast() ?? []))
            return parts.joined(separator: ".")
        },
        Forgery("a signature of zeros", .wrongSignature) { issuer in
            let parts = try await parts(issuer, .es256)
            return [parts[0], parts[1], Base64URL.text(of: .init(repeating: 0, count: 64))].joined(separator: ".")
        },
        Forgery("a signature of ES256 as DER", .wrongSignature) { issuer in
            var parts = try await parts(issuer, .es256)
            parts[2] = Base64URL.text(of: der(Base64URL.bytes(of: ArraySlice(parts[2].utf8)) ?? []))
            return parts.joined(separator: ".")
        },
        Forgery("two parts", .malformed) { try await parts($0).dropLast().joined(separator: ".") },
        Forgery("four parts", .malformed) { try await parts($0).joined(separator: ".") + ".x" },
        Forgery("five empty parts", .malformed) { _ in "...." },
        Forgery("nothing", .malformed) { _ in "" },
        Forgery("three empty parts", .malformed) { _ in ".." },
        Forgery("padding", .malformed) { try await parts($0).joined(separator: ".") + "==" },
        Forgery("a line break at its end", .malformed) { try await parts($0).joined(separator: ".") + "\n" },
        Forgery("another alphabet", .malformed, reheadedRaw("eyJhbGciOiJSUzI1NiJ9+/")),
        Forgery("a header that is no JSON", .malformed, reheaded("alg: RS256")),
        Forgery("a header with something behind it", .malformed, reheaded(#"{"alg":"RS256"}{}"#)),
        Forgery("a header of depth", .malformed, reheaded(String(repeating: "[", count: 4000))),
        Forgery("a null byte", .malformed) { try await "\u{0}" + parts($0).joined(separator: ".") },
        Forgery("a huge one", .tooLong) { issuer in
            try await issuer.token(
                .rs256,
                header: [("x", .string(String(repeating: "a", count: 8192)))],
                claims: claims
            )
        },
    ]) func `are refused`(forgery: Forgery) async throws {
        let token = try await forgery.make(try TestIssuer.first.get())
        #expect(try await Good.verifier().verify(token, now: Good.now) == .failure(forgery.fault))
    }

    static func reheadedRaw(_ header: String) -> @Sendable (TestIssuer) async throws -> String {
        { issuer in
            let parts = try await self.parts(issuer)
            return [header, parts[1], parts[2]].joined(separator: ".")
        }
    }

    /// Two numbers of 32 bytes, as `SEQUENCE { INTEGER, INTEGER }`.
    static func der(_ raw: [UInt8]) -> [UInt8] {
        let numbers = [Array(raw.prefix(32)), Array(raw.suffix(32))].flatMap { number in
            let digits = Array(number.drop { $0 == 0 })
            let signed = (digits.first ?? 0) > 127 ? [0] + digits : digits
            return [2, UInt8(signed.count)] + signed
        }
        return [0x30, UInt8(numbers.count)] + numbers
    }

    /// A bit of it changed, bytes of it lost: never accepted, whatever it says.
    @Test(arguments: [TokenAlgorithm.rs256, .es256, .eddsa], SeededRandom.runs(1))
    func `are refused wherever they were changed`(algorithm: TokenAlgorithm, seeded: SeededRandom) async throws {
        var random = seeded
        let verifier = try Good.verifier()
        let token = Array(try await Self.parts(try TestIssuer.first.get(), algorithm).joined(separator: ".").utf8)
        for _ in 0..<300 {
            var changed = token
            let place = Int.random(in: 0..<token.count, using: &random)
            if Bool.random(using: &random) {
                changed[place] ^= UInt8(1 << Int.random(in: 0..<7, using: &random))
            } else {
                changed.removeSubrange(place..<Int.random(in: place..<token.count, using: &random) + 1)
            }
            let text = String(decoding: changed, as: UTF8.self)
            guard case .failure = await verifier.verify(text, now: Good.now) else {
                Issue.record("accepted \(text)")
                return
            }
        }
    }
}
