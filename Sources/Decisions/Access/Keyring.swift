public import Registry

/// The keys that are accepted, by their digests. Immutable: a changed file makes a new one.
public struct Keyring: Hashable, Sendable {
    /// In the order of their file.
    public let principals: [Principal]
    private let byDigest: [CredentialDigest: Principal]

    public init(_ keys: [AccessKey] = []) {
        self.principals = keys.map(\.principal)
        self.byDigest = Dictionary(keys.map { ($0.digest, $0.principal) }) { first, _ in first }
    }

    /// Whose key has this digest.
    @inline(__always)
    public func principal(_ digest: CredentialDigest, at now: Timestamp) throws(AccessFault) -> Principal {
        guard let principal = self.byDigest[digest] else { throw .unknown }
        guard !principal.isExpired(at: now) else { throw .expired }
        return principal
    }
}
