internal import Decisions
internal import Registry

/// A JSON web token in its compact form (RFC 7515), cut into its parts. Nothing of it is believed yet.
///
/// Of the header, `alg` and `kid` are read. Keys and addresses of keys that it carries (`jwk`, `jku`, `x5c`, `x5u`) are
/// never looked at, and whoever says `crit` wants something that is not done here.
struct SignedToken: Sendable {
    let algorithm: TokenAlgorithm
    let keyName: String?
    /// Header and claims as they were signed.
    let signedBytes: [UInt8]
    let signature: [UInt8]
    private let claims: ArraySlice<UInt8>

    static let bytesMax = 8192

    init(_ text: String) throws(TokenFault) {
        guard text.utf8.count <= Self.bytesMax else { throw .tooLong }
        let bytes = Array(text.utf8)
        let parts = bytes.split(separator: UInt8(ascii: "."), maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 3, let signature = Base64URL.bytes(of: parts[2]) else { throw .malformed }
        let header = try Self.header(parts[0])
        self.algorithm = try Self.algorithm(header)
        guard header["crit"] == nil else { throw .criticalHeader }
        self.keyName = try Self.keyName(header)
        self.signedBytes = Array(bytes[..<parts[1].endIndex])
        self.signature = signature
        self.claims = parts[1]
    }

    /// To be asked for when the signature is right.
    func claimsOfSigner() throws(TokenFault) -> TokenClaims {
        guard let bytes = Base64URL.bytes(of: self.claims), let object = try? JSONValue.parse(bytes).asObject else {
            throw .malformedClaims
        }
        return try TokenClaims(object)
    }

    private static func header(_ part: ArraySlice<UInt8>) throws(TokenFault) -> JSONObject {
        guard let bytes = Base64URL.bytes(of: part), let object = try? JSONValue.parse(bytes).asObject else {
            throw .malformed
        }
        return object
    }

    private static func algorithm(_ header: JSONObject) throws(TokenFault) -> TokenAlgorithm {
        guard let name = header["alg"]?.asString else { throw .malformed }
        guard let algorithm = TokenAlgorithm(rawValue: name) else { throw .refusedAlgorithm }
        return algorithm
    }

    private static func keyName(_ header: JSONObject) throws(TokenFault) -> String? {
        guard let name = header["kid"] else { return nil }
        guard let text = name.asString else { throw .malformed }
        return text
    }
}
