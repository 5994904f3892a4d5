import Synchronization

/// What changes in a replica's life and everybody in it may ask: where it listens, and whether it is leaving.
final class ReplicaCondition: Sendable {
    /// Called once, when the draining begins.
    private let onDraining: @Sendable () -> Void
    private let draining = Atomic(false)
    private let listening = Mutex("")

    init(onDraining: @escaping @Sendable () -> Void) {
        self.onDraining = onDraining
    }

    var isDraining: Bool { self.draining.load(ordering: .relaxed) }

    /// Such as `127.0.0.1:8008`; empty until it listens.
    var address: String { self.listening.withLock { $0 } }

    func beginDraining() {
        guard !self.draining.exchange(true, ordering: .relaxed) else { return }
        self.onDraining()
    }

    func listens(at address: String) {
        self.listening.withLock { $0 = address }
    }
}
