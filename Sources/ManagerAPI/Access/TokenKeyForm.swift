internal import JWTKit
internal import Registry

/// The form of one JWK (RFC 7517) as an issuer publishes it.
///
/// Keys that are for something else (`use`, `key_ops`) are left out: issuers publish those for encryption beside the
/// others. What could be meant for signatures and cannot be used is refused, as is every secret: a private key in this
/// file means that somebody can make tokens who should not.
enum TokenKeyForm {
    private static let secrets = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"]

    /// Nil for a key that is not for signatures.
    static func read(_ value: JSONValue) throws(TokenVerifier.Unusable) -> TokenKey? {
        guard case .object(let jwk) = value else { throw .init("must be an object, not \(value.kindName)") }
        let kind = try self.text("kty", jwk)
        guard kind != "oct" else { throw .init("is a shared secret (kty oct); only public keys belong here") }
        guard !self.secrets.contains(where: { jwk[$0] != nil }) else {
            throw .init("holds a private key; only public keys belong here")
        }
        guard try self.isForSignatures(jwk) else { return nil }
        let name = jwk["kid"] == nil ? nil : try self.text("kid", jwk)
        let (material, algorithms) = try self.material(of: kind, jwk)
        return TokenKey(name: name, algorithms: try self.algorithms(jwk, among: algorithms), material: material)
    }

    private static func isForSignatures(_ jwk: JSONObject) throws(TokenVerifier.Unusable) -> Bool {
        if jwk["use"] != nil, try self.text("use", jwk) != "sig" { return false }
        guard let operations = jwk["key_ops"] else { return true }
        guard let operations = operations.asArray else { throw .init("its key_ops must be a list") }
        return operations.contains("verify")
    }

    /// With the algorithms of its kind.
    private static func material(of kind: String, _ jwk: JSONObject) throws(TokenVerifier.Unusable)
        -> (TokenKey.Material, Set<TokenAlgorithm>)
    {
        switch kind {
        case "RSA": return (try self.rsa(jwk), TokenAlgorithm.ofRSA)
        case "EC": return try self.ellipticCurve(jwk)
        case "OKP": return (try self.edwardsCurve(jwk), [.eddsa])
        default: throw .init("is of a kind that is not supported (kty); RSA, EC and OKP are")
        }
    }

    private static func rsa(_ jwk: JSONObject) throws(TokenVerifier.Unusable) -> TokenKey.Material {
        let (modulus, exponent) = (try self.number("n", jwk), try self.number("e", jwk))
        guard let key = try? Insecure.RSA.PublicKey(modulus: modulus, exponent: exponent) else {
            throw .init("is no RSA key of 2048 bits or more")
        }
        return .rsa(key)
    }

    private static func ellipticCurve(_ jwk: JSONObject) throws(TokenVerifier.Unusable)
        -> (TokenKey.Material, Set<TokenAlgorithm>)
    {
        let curve = try self.text("crv", jwk)
        let point = (x: try self.number("x", jwk), y: try self.number("y", jwk))
        switch curve {
        case "P-256": if let key = try? ES256PublicKey(parameters: point) { return (.p256(key), [.es256]) }
        case "P-384": if let key = try? ES384PublicKey(parameters: point) { return (.p384(key), [.es384]) }
        case "P-521": if let key = try? ES512PublicKey(parameters: point) { return (.p521(key), [.es512]) }
        default: throw .init("is on a curve that is not supported (crv); P-256, P-384 and P-521 are")
        }
        throw .init("is no point of the curve \(curve)")
    }

    private static func edwardsCurve(_ jwk: JSONObject) throws(TokenVerifier.Unusable) -> TokenKey.Material {
        guard try self.text("crv", jwk) == "Ed25519" else {
            throw .init("is on a curve that is not supported (crv); Ed25519 is")
        }
        guard let key = try? EdDSA.PublicKey(x: try self.number("x", jwk), curve: .ed25519) else {
            throw .init("is no point of the curve Ed25519")
        }
        return .ed25519(key)
    }

    private static func algorithms(
        _ jwk: JSONObject,
        among fitting: Set<TokenAlgorithm>
    ) throws(TokenVerifier.Unusable) -> Set<TokenAlgorithm> {
        guard jwk["alg"] != nil else { return fitting }
        guard let algorithm = TokenAlgorithm(rawValue: try self.text("alg", jwk)), fitting.contains(algorithm) else {
            let names = fitting.map(\.rawValue).sorted().joined(separator: " ")
            throw .init("is for an algorithm (alg) that is not accepted of its kind; accepted: \(names)")
        }
        return [algorithm]
    }

    private static func text(_ name: String, _ jwk: JSONObject) throws(TokenVerifier.Unusable) -> String {
        guard let text = jwk[name]?.asString, !text.isEmpty else {
            throw .init("its \(name) must be there, as a text")
        }
        return text
    }

    /// A number or coordinate in base64url.
    private static func number(_ name: String, _ jwk: JSONObject) throws(TokenVerifier.Unusable) -> String {
        let text = try self.text(name, jwk)
        guard Base64URL.bytes(of: ArraySlice(text.utf8)) != nil else {
            throw .init("its \(name) is not base64url without padding")
        }
        return text
    }
}
