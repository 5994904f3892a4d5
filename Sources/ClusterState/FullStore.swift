internal import RedisClient
internal import Synchronization

/// Notices that Redis is full and refuses what needs memory (`OOM`), and tells it once per outage, not with each write.
///
/// The shell of `FullStoreMachine`: every command says how it went. While all is well that costs one atomic load.
public final class FullStore: Sendable {
    public enum News: Hashable, Sendable {
        /// Redis refused the function, for that reason.
        case full(function: String, reason: String)
        /// It carries out again what it refused.
        case hasRoom
    }

    private let isFull = Atomic(false)
    private let machine = Mutex(FullStoreMachine())
    private let tell: @Sendable (News) -> Void

    /// `tell` must not wait.
    public init(tell: @escaping @Sendable (News) -> Void) {
        self.tell = tell
    }

    func succeeded(_ function: String) {
        guard self.isFull.load(ordering: .relaxed) else { return }
        let now = ContinuousClock.now
        let action = self.machine.withLock { machine in
            let action = machine.succeeded(function, now: now)
            if action == .tellRoom { self.isFull.store(false, ordering: .relaxed) }
            return action
        }
        if action == .tellRoom { self.tell(.hasRoom) }
    }

    func failed(_ function: String, _ error: RedisError) {
        guard error.code == .outOfMemory else { return }
        let now = ContinuousClock.now
        // Under the lock: a success at the same moment must not hide what was refused after it.
        let action = self.machine.withLock { machine in
            self.isFull.store(true, ordering: .relaxed)
            return machine.refused(function, now: now)
        }
        if action == .tellFull { self.tell(.full(function: function, reason: error.message)) }
    }
}
