public import Decisions
public import Registry

/// Tells whom a JSON web token stands for.
///
/// Made of the issuer's public keys, which are a local file: nothing a token says makes a replica ask anybody. The
/// signature comes first; before it is right no claim is read. What makes forged tokens fail is in the types: only
/// algorithms of public keys exist (`TokenAlgorithm`), a key has those of its kind alone (`TokenKey`), and a header
/// chooses among them.
public struct TokenVerifier: Sendable {
    private let keys: TokenKeySet
    private let rules: ClaimRules

    /// Why a text cannot be used; a sentence that follows the file's name and shows nothing of a key.
    public struct Unusable: Error, Hashable, Sendable, CustomStringConvertible {
        public let description: String

        init(_ description: String) {
            self.description = description
        }
    }

    /// - Parameters:
    ///   - jwks: the JSON text of a JWK set.
    ///   - issuer: what `iss` must be; nil: anything.
    ///   - audience: what must be among `aud`; nil: anything.
    /// - Throws: what is wrong with the set, and with which key of it.
    public init(jwks: String, issuer: String?, audience: String?) throws(Unusable) {
        self.keys = try TokenKeySet(jwks)
        self.rules = ClaimRules(issuer: issuer, audience: audience)
    }

    /// Runs on the pool of threads that belongs to no event loop, whoever calls: a check takes some 50 microseconds, and
    /// with a token that names no key up to four of them. As many run at once as there are cores.
    @concurrent
    public func verify(_ token: String, now: Timestamp) async -> Result<Principal, TokenFault> {
        do throws(TokenFault) {
            let token = try SignedToken(token)
            let keys = try self.keys.candidates(for: token.algorithm, named: token.keyName)
            guard await Self.isSigned(token, byOneOf: keys) else { throw .wrongSignature }
            return .success(try self.rules.principal(of: try token.claimsOfSigner(), now: now))
        } catch {
            return .failure(error)
        }
    }

    private static func isSigned(_ token: SignedToken, byOneOf keys: [TokenKey]) async -> Bool {
        for key in keys where await key.signed(token.signedBytes, as: token.signature, by: token.algorithm) {
            return true
        }
        return false
    }
}
