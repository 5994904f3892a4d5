public import Registry

/// Whom a token stands for, once its signature is known to be right.
///
/// It must say who (`sub`), until when (`exp`) and with which role; where an issuer and an audience are expected it must
/// be of the one and for the other. Roles that are not known here are other systems' and do not count; the highest of
/// the others does. The subject stands in events, logs and metrics as the one who acted, so it must be safe there.
public struct ClaimRules: Hashable, Sendable {
    /// Nil: any.
    public let issuer: String?
    /// Nil: any.
    public let audience: String?

    /// The clocks of issuers differ from ours by less.
    public static let leewayMilliseconds: Int64 = 60_000
    public static let subjectBytesMax = 128

    public init(issuer: String? = nil, audience: String? = nil) {
        self.issuer = issuer
        self.audience = audience
    }

    public func principal(of claims: TokenClaims, now: Timestamp) throws(TokenFault) -> Principal {
        let expires = try Self.expiry(of: claims, now: now)
        if let issuer, claims.issuer != issuer { throw .wrongIssuer }
        if let audience, !claims.audiences.contains(audience) { throw .wrongAudience }
        guard let subject = claims.subject, !subject.isEmpty else { throw .noSubject }
        guard Self.isShowable(subject) else { throw .unusableSubject }
        guard let role = claims.roles.compactMap(Role.init).max() else { throw .noRole }
        let scope = claims.services.map { AccessScope($0.map(Glob.init)) }
        return Principal(id: subject, role: role, scope: scope, expires: expires)
    }

    private static func expiry(of claims: TokenClaims, now: Timestamp) throws(TokenFault) -> Timestamp {
        guard let expires = claims.expires else { throw .noExpiry }
        guard now.milliseconds < expires.milliseconds + self.leewayMilliseconds else { throw .expired }
        if let notBefore = claims.notBefore, notBefore.milliseconds > now.milliseconds + self.leewayMilliseconds {
            throw .notYetValid
        }
        return expires
    }

    /// Letters, digits and the signs of mail addresses, URLs and the names that issuers make up: nothing that ends a
    /// label, a line, a text in quotes or an HTML element.
    private static func isShowable(_ subject: String) -> Bool {
        let signs = "._-@|:/+~="
        return subject.utf8.count <= self.subjectBytesMax
            && subject.unicodeScalars.allSatisfy { scalar in
                switch scalar {
                case "a"..."z", "A"..."Z", "0"..."9": true
                default: signs.unicodeScalars.contains(scalar)
                }
            }
    }
}
