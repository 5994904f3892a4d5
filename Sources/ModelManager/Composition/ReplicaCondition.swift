import Synchronization

/// What changes in a replica's life and everybody in it may ask: where it listens, and whether it is leaving.
final class ReplicaCondition: Sendable {
    private let draining = Atomic(false)
    private let listening = Mutex("")

    var isDraining: Bool { self.draining.load(ordering: .relaxed) }

    /// Such as `127.0.0.1:8008`; empty until it listens.
    var address: String { self.listening.withLock { $0 } }

    func beginDraining() {
        self.draining.store(true, ordering: .relaxed)
    }

    func listens(at address: String) {
        self.listening.withLock { $0 = address }
    }
}
