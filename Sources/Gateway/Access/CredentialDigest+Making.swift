internal import Crypto
public import Registry

extension CredentialDigest {
    /// Of a credential as it was shown.
    @inline(__always)
    public init?(of credential: UnsafeRawBufferPointer) {
        var hash = SHA256()
        hash.update(bufferPointer: credential)
        guard let digest = hash.finalize().withUnsafeBytes({ Self($0) }) else { return nil }
        self = digest
    }

    public init?(of credential: String) {
        var credential = credential
        guard let digest = credential.withUTF8({ Self(of: UnsafeRawBufferPointer($0)) }) else { return nil }
        self = digest
    }
}
