public import Decisions
internal import NIOCore
public import Registry

/// Who may predict, as the doors know it. Only for a data plane whose settings say `authenticates`; until it has been told
/// of keys its own door lets nobody in and leaves all to the general one.
extension DataPlane {
    public func setKeys(_ ring: Keyring) {
        self.onAccess { $0.setKeys(ring) }
    }

    /// The token's signature was found good.
    public func admitToken(_ token: CredentialDigest, _ principal: Principal, of generation: UInt64) {
        self.onAccess { $0.put(token, principal, of: generation) }
    }

    /// The keys that tokens are checked with have changed.
    public func forgetTokens() {
        self.onAccess { $0.forgetTokens() }
    }

    private func onAccess(_ change: @escaping @Sendable (LoopAccess) -> Void) {
        for plane in self.planes {
            plane.loop.execute { if let access = plane.access { change(access) } }
        }
    }
}
