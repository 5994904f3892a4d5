import CryptoExtras
import Foundation
import JWTKit
import Registry

@testable import ManagerAPI

/// Somebody who issues tokens: he has a key of each kind, publishes their public halves and signs what he is given.
struct TestIssuer: Sendable {
    enum Kind: String, CaseIterable, Sendable { case rsa, p256, p384, p521, ed25519 }

    let rsa: JWTKit.Insecure.RSA.PrivateKey
    let p256 = ES256PrivateKey()
    let p384 = ES384PrivateKey()
    let p521 = ES512PrivateKey()
    let ed25519: EdDSA.PrivateKey

    /// RSA keys take long to make: these are for all tests.
    static let first = Result { try TestIssuer() }
    static let second = Result { try TestIssuer() }

    init() throws {
        self.rsa = try JWTKit.Insecure.RSA.PrivateKey(backing: _RSA.Signing.PrivateKey(keySize: .bits2048))
        self.ed25519 = try EdDSA.PrivateKey()
    }

    // MARK: What he publishes

    func jwk(_ kind: Kind, named name: String? = nil) throws -> JSONObject {
        var jwk = try self.material(kind)
        if let name { jwk["kid"] = .string(name) }
        return jwk
    }

    /// Of these keys, each with the name of its kind.
    func jwks(_ kinds: [Kind] = Kind.allCases) throws -> String {
        Self.set(try kinds.map { try self.jwk($0, named: $0.rawValue) })
    }

    static func set(_ keys: [JSONObject]) -> String {
        JSONValue.object(["keys": .array(keys.map { .object($0) })]).serialized()
    }

    private func material(_ kind: Kind) throws -> JSONObject {
        switch kind {
        case .rsa:
            let numbers = try self.rsa.publicKey.getKeyPrimitives()
            return ["kty": "RSA", "n": Self.text(numbers.modulus), "e": Self.text(numbers.publicExponent)]
        case .p256: return Self.point("P-256", self.p256.parameters)
        case .p384: return Self.point("P-384", self.p384.parameters)
        case .p521: return Self.point("P-521", self.p521.parameters)
        case .ed25519:
            return ["kty": "OKP", "crv": "Ed25519", "x": Self.text(self.ed25519.publicKey.rawRepresentation)]
        }
    }

    private static func point(_ curve: String, _ parameters: ECDSAParameters?) -> JSONObject {
        let (x, y) = (parameters?.x ?? "", parameters?.y ?? "")
        return [
            "kty": "EC", "crv": .string(curve), "x": self.text(Data(base64Encoded: x) ?? Data()),
            "y": self.text(Data(base64Encoded: y) ?? Data()),
        ]
    }

    private static func text(_ data: Data) -> JSONValue { .string(Base64URL.text(of: Array(data))) }

    // MARK: What he signs

    func token(
        _ algorithm: TokenAlgorithm,
        named name: String? = nil,
        header: [(String, JSONValue)] = [],
        claims: JSONValue
    ) async throws -> String {
        var whole: JSONObject = ["alg": .string(algorithm.rawValue), "typ": "JWT"]
        if let name { whole["kid"] = .string(name) }
        for (name, value) in header { whole[name] = value }
        return try await self.token(
            algorithm,
            header: JSONValue.object(whole).serialized(),
            claims: claims.serialized()
        )
    }

    /// Of texts that may be anything.
    func token(_ algorithm: TokenAlgorithm, header: String, claims: String) async throws -> String {
        try Self.token(header: header, claims: claims, by: try await self.signer(algorithm))
    }

    static func token(header: String, claims: String, by signer: any JWTAlgorithm) throws -> String {
        let signed = "\(Base64URL.text(of: Array(header.utf8))).\(Base64URL.text(of: Array(claims.utf8)))"
        return "\(signed).\(Base64URL.text(of: try signer.sign(Array(signed.utf8))))"
    }

    func signer(_ algorithm: TokenAlgorithm) async throws -> any JWTAlgorithm {
        let keys = JWTKeyCollection()
        switch algorithm {
        case .rs256: await keys.add(rsa: self.rsa, digestAlgorithm: .sha256)
        case .rs384: await keys.add(rsa: self.rsa, digestAlgorithm: .sha384)
        case .rs512: await keys.add(rsa: self.rsa, digestAlgorithm: .sha512)
        case .ps256: await keys.add(pss: self.rsa, digestAlgorithm: .sha256)
        case .ps384: await keys.add(pss: self.rsa, digestAlgorithm: .sha384)
        case .ps512: await keys.add(pss: self.rsa, digestAlgorithm: .sha512)
        case .es256: await keys.add(ecdsa: self.p256)
        case .es384: await keys.add(ecdsa: self.p384)
        case .es512: await keys.add(ecdsa: self.p521)
        case .eddsa: await keys.add(eddsa: self.ed25519)
        }
        return try await keys.getKey()
    }

    /// Of a shared secret.
    static func secretSigner(_ secret: String) async throws -> any JWTAlgorithm {
        try await JWTKeyCollection().add(hmac: HMACKey(from: secret), digestAlgorithm: .sha256).getKey()
    }
}

extension TokenAlgorithm {
    var kind: TestIssuer.Kind {
        switch self {
        case .rs256, .rs384, .rs512, .ps256, .ps384, .ps512: .rsa
        case .es256: .p256
        case .es384: .p384
        case .es512: .p521
        case .eddsa: .ed25519
        }
    }
}
