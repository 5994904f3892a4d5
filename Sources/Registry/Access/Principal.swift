/// Somebody who has shown who he is: with a key, or with a token that was signed for him.
public struct Principal: Hashable, Sendable {
    /// The key's `id` or the token's `sub`; stands in events as the one who acted.
    public let id: String
    /// The highest of his roles.
    public let role: Role
    /// Nil: all services.
    public let scope: AccessScope?
    /// From this time on he is nobody.
    public let expires: Timestamp?

    public init(id: String, role: Role, scope: AccessScope? = nil, expires: Timestamp? = nil) {
        self.id = id
        self.role = role
        self.scope = scope
        self.expires = expires
    }

    public func isExpired(at now: Timestamp) -> Bool {
        self.expires.map { $0 <= now } ?? false
    }
}
