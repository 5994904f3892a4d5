internal import Foundation
internal import JWTKit
internal import Registry

/// One public key of the issuer's, and the algorithms that it may be used with.
///
/// The algorithms are those of its own kind: a token's header chooses among them and never makes a key into something
/// else, such as the text of a public RSA key into the secret of `HS256`.
struct TokenKey: Sendable {
    let name: String?
    let algorithms: Set<TokenAlgorithm>
    let material: Material

    enum Material: Sendable {
        case rsa(Insecure.RSA.PublicKey)
        case p256(ES256PublicKey)
        case p384(ES384PublicKey)
        case p521(ES512PublicKey)
        case ed25519(EdDSA.PublicKey)
    }

    /// Whether the key made this signature of these bytes; the algorithm is one of the key's.
    ///
    /// The library hands a key's check out through an actor that holds keys. One is made for each call, because an actor
    /// that all calls share would let them wait for one another.
    func signed(_ bytes: [UInt8], as signature: [UInt8], by algorithm: TokenAlgorithm) async -> Bool {
        let keys = JWTKeyCollection()
        switch (self.material, algorithm) {
        case (.rsa(let key), .rs256): await keys.add(rsa: key, digestAlgorithm: .sha256)
        case (.rsa(let key), .rs384): await keys.add(rsa: key, digestAlgorithm: .sha384)
        case (.rsa(let key), .rs512): await keys.add(rsa: key, digestAlgorithm: .sha512)
        case (.rsa(let key), .ps256): await keys.add(pss: key, digestAlgorithm: .sha256)
        case (.rsa(let key), .ps384): await keys.add(pss: key, digestAlgorithm: .sha384)
        case (.rsa(let key), .ps512): await keys.add(pss: key, digestAlgorithm: .sha512)
        case (.p256(let key), .es256): await keys.add(ecdsa: key)
        case (.p384(let key), .es384): await keys.add(ecdsa: key)
        case (.p521(let key), .es512): await keys.add(ecdsa: key)
        case (.ed25519(let key), .eddsa): await keys.add(eddsa: key)
        case (.rsa, _), (.p256, _), (.p384, _), (.p521, _), (.ed25519, _): return false
        }
        guard let check = try? await keys.getKey() else { return false }
        // A signature of the wrong length is an error there.
        return (try? check.verify(signature, signs: bytes)) == true
    }
}
