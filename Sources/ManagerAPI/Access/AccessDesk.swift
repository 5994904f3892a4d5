public import Decisions
internal import Gateway
internal import HTTPTypes
public import Registry
internal import Synchronization

/// Lets callers in, or says why not: the half of authentication that can wait for a signature to be checked and has words.
///
/// The data plane's own door lets in whom it knows; everybody else comes here, and a token that is found good here is told
/// to that door. Both get every change of the keys.
public final class AccessDesk: Sendable {
    /// Checks a token's signature and claims, on no event loop.
    public typealias TokenCheck = @Sendable (_ token: String, _ now: Timestamp) async -> Result<Principal, AccessFault>

    /// What the data plane is told.
    public struct Listener: Sendable {
        public var keys: @Sendable (Keyring) -> Void
        public var token: @Sendable (CredentialDigest, Principal, _ generation: UInt64) -> Void
        public var forgetTokens: @Sendable () -> Void

        public init(
            keys: @escaping @Sendable (Keyring) -> Void,
            token: @escaping @Sendable (CredentialDigest, Principal, _ generation: UInt64) -> Void,
            forgetTokens: @escaping @Sendable () -> Void
        ) {
            self.keys = keys
            self.token = token
            self.forgetTokens = forgetTokens
        }
    }

    /// Somebody who was let in.
    struct Admission {
        var principal: Principal
        /// The header by which a key was shown. A key is for the manager alone; a token may go on to services that ask for
        /// the caller's credentials, to be checked there again.
        var withheld: HTTPField.Name?
    }

    private struct State {
        var ring = Keyring()
        var shelf = TokenShelf()
        var check: TokenCheck?
    }

    private let state = Mutex(State())
    private let listener: Listener

    public init(telling listener: Listener) {
        self.listener = listener
    }

    public func setKeys(_ ring: Keyring) {
        self.state.withLock { state in
            state.ring = ring
            self.listener.keys(ring)
        }
    }

    /// Tokens that were let in so far are checked anew. Told in the order of the changes, hence under the lock.
    public func setTokenCheck(_ check: @escaping TokenCheck) {
        self.state.withLock { state in
            state.check = check
            state.shelf.clear()
            self.listener.forgetTokens()
        }
    }

    /// Those whose keys are accepted now.
    var keyHolders: [Principal] { self.state.withLock { $0.ring.principals } }

    func admit(_ headers: HTTPFields, _ method: HTTPRequest.Method, at now: Timestamp) async throws(AccessFault)
        -> Admission
    {
        guard let shown = try ShownCredential(headers, of: method), let digest = CredentialDigest(of: shown.text) else {
            throw .missing
        }
        let (ring, shelf, check) = self.state.withLock { ($0.ring, $0.shelf, $0.check) }
        do throws(AccessFault) {
            return Admission(principal: try ring.principal(digest, at: now), withheld: shown.header)
        } catch {
            // A token is three parts with dots between them, which no key has that we made.
            guard error == .unknown, check != nil, shown.header == .authorization, shown.text.contains(".") else {
                throw error
            }
        }
        if let principal = shelf.principal(digest, at: now) { return Admission(principal: principal) }
        let principal = try await check?(shown.text, now).get()
        guard let principal else { throw .unknown }
        self.keep(digest, principal, of: shelf.generation, at: now)
        return Admission(principal: principal)
    }

    private func keep(_ digest: CredentialDigest, _ principal: Principal, of generation: UInt64, at now: Timestamp) {
        self.state.withLock { $0.shelf.put(digest, principal, of: generation, at: now) }
        self.listener.token(digest, principal, generation)
    }
}
