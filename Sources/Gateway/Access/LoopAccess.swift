internal import Decisions
internal import Registry

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// Whom an event loop's door lets in by itself: those whose key is on the ring, or whose token was checked before.
///
/// It only says yes. Whatever it does not surely know goes to the general door, which can check a signature, tell an
/// expired key from an unknown one, and has the words for a refusal. Confined to its event loop.
final class LoopAccess {
    /// Somebody who is let in, and by what he showed it.
    struct Admission {
        var scope: AccessScope?
        /// The header of the caller's that was meant for the manager alone and stays here; nil for a token, which a service
        /// that asked for it may check for itself.
        var withheld: KnownHeader?
    }

    private var ring = Keyring()
    private var shelf = TokenShelf()

    func setKeys(_ ring: Keyring) { self.ring = ring }

    func put(_ token: CredentialDigest, _ principal: Principal, of generation: UInt64) {
        self.shelf.put(token, principal, of: generation, at: Self.now())
    }

    /// Keeps its generation in step with the shelf of the general door.
    func forgetTokens() { self.shelf.clear() }

    /// Nil: the general door must decide. `bytes` must be what the head was parsed from.
    func admission(_ head: RequestHead, _ bytes: UnsafeRawBufferPointer) -> Admission? {
        if head.apiKey.isPresent {
            guard let principal = self.keyHolder(head.apiKey.bytes(of: bytes)) else { return nil }
            return Admission(scope: principal.scope, withheld: .apiKey)
        }
        guard let shown = Self.bearer(head.authorization, bytes), let digest = CredentialDigest(of: shown) else {
            return nil
        }
        let now = Self.now()
        if let principal = try? self.ring.principal(digest, at: now) {
            return Admission(scope: principal.scope, withheld: .authorization)
        }
        return self.shelf.principal(digest, at: now).map { Admission(scope: $0.scope, withheld: nil) }
    }

    private func keyHolder(_ key: UnsafeRawBufferPointer) -> Principal? {
        guard let digest = CredentialDigest(of: key) else { return nil }
        return try? self.ring.principal(digest, at: Self.now())
    }

    /// What stands behind `Bearer `, which is understood in any case.
    private static func bearer(_ value: ByteRange, _ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard value.isPresent, value.count > 7 else { return nil }
        let scheme = ByteRange(from: value.offset, to: value.offset + 7)
        guard HeaderBytes.equals(bytes, scheme, "bearer ") else { return nil }
        return HeaderBytes.trimmed(bytes, from: value.offset + 7, to: value.end).bytes(of: bytes)
    }

    private static func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }
}
