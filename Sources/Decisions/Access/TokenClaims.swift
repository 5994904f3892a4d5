public import Registry

/// What a signed token says, in the forms that RFC 7519 gives its claims.
///
/// A claim that is there and wrong is a fault and never read as absent: a `services` that cannot be read must not widen
/// what the token allows. Claims that nobody asks for are the business of others.
public struct TokenClaims: Hashable, Sendable {
    public var subject: String?
    public var issuer: String?
    public var audiences: [String]
    public var expires: Timestamp?
    public var notBefore: Timestamp?
    /// As the issuer calls them; roles of other systems stand among them.
    public var roles: [String]
    /// Nil: all services.
    public var services: [String]?

    public init(
        subject: String? = nil,
        issuer: String? = nil,
        audiences: [String] = [],
        expires: Timestamp? = nil,
        notBefore: Timestamp? = nil,
        roles: [String] = [],
        services: [String]? = nil
    ) {
        self.subject = subject
        self.issuer = issuer
        self.audiences = audiences
        self.expires = expires
        self.notBefore = notBefore
        self.roles = roles
        self.services = services
    }

    public init(_ claims: JSONObject) throws(TokenFault) {
        self.subject = try Self.text(claims["sub"])
        self.issuer = try Self.text(claims["iss"])
        self.audiences = try Self.texts(claims["aud"]) ?? []
        self.expires = try Self.time(claims["exp"])
        self.notBefore = try Self.time(claims["nbf"])
        self.roles = try Self.texts(claims["roles"]) ?? []
        self.services = try Self.texts(claims["services"])
    }

    private static func text(_ claim: JSONValue?) throws(TokenFault) -> String? {
        guard let claim else { return nil }
        guard let text = claim.asString else { throw .claimOfWrongForm }
        return text
    }

    /// One text stands for a list of one: issuers write it so.
    private static func texts(_ claim: JSONValue?) throws(TokenFault) -> [String]? {
        guard let claim else { return nil }
        if let text = claim.asString { return [text] }
        let texts = claim.asArray?.compactMap(\.asString)
        guard let texts, texts.count == claim.asArray?.count else { throw .claimOfWrongForm }
        return texts
    }

    /// Seconds since 1970, fractions allowed; beyond the year 9999 is the end of it.
    private static func time(_ claim: JSONValue?) throws(TokenFault) -> Timestamp? {
        guard let claim else { return nil }
        guard let seconds = claim.asNumber else { throw .claimOfWrongForm }
        let bounded = min(max(seconds, 0), 253_402_300_799)
        return Timestamp(milliseconds: Int64(bounded * 1000))
    }
}
