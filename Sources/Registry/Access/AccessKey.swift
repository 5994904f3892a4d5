/// One key of `AUTH_KEYS_FILE`: whom it stands for, and what it looks like when it is shown.
public struct AccessKey: Hashable, Sendable {
    public let digest: CredentialDigest
    public let principal: Principal

    public init(digest: CredentialDigest, principal: Principal) {
        self.digest = digest
        self.principal = principal
    }
}
