public import Registry

/// Tokens whose signatures were found good, by their digests, so that each is checked once and not with every request.
///
/// What is on the shelf is as good as the keys it was checked with: a change of those keys empties it, and a token whose
/// check began before the change is not put there after it.
public struct TokenShelf: Hashable, Sendable {
    public static let tokensMax = 4096

    /// Rises with every change of the keys.
    public private(set) var generation: UInt64 = 0
    private var tokens: [CredentialDigest: Principal] = [:]

    public init() {}

    public var count: Int { self.tokens.count }

    /// `generation` is what it was when the check began.
    public mutating func put(
        _ digest: CredentialDigest,
        _ principal: Principal,
        of generation: UInt64,
        at now: Timestamp
    ) {
        guard generation == self.generation, !principal.isExpired(at: now) else { return }
        if self.tokens.count >= Self.tokensMax { self.tokens = self.tokens.filter { !$0.value.isExpired(at: now) } }
        // All of them still good: whoever is thrown off is checked once more.
        if self.tokens.count >= Self.tokensMax { self.tokens = [:] }
        self.tokens[digest] = principal
    }

    @inline(__always)
    public func principal(_ digest: CredentialDigest, at now: Timestamp) -> Principal? {
        guard let principal = self.tokens[digest], !principal.isExpired(at: now) else { return nil }
        return principal
    }

    public mutating func clear() {
        self.generation += 1
        self.tokens = [:]
    }
}
