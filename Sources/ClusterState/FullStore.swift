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
        if self.machine.withLock({ $0.succeeded(function, now: now) }) == .tellRoom {
            self.isFull.store(false, ordering: .relaxed)
            self.tell(.hasRoom)
        }
    }

    func failed(_ function: String, _ error: RedisError) {
        guard error.code == .outOfMemory else { return }
        let now = ContinuousClock.now
        let action = self.machine.withLock { $0.refused(function, now: now) }
        self.isFull.store(true, ordering: .relaxed)
        if action == .tellFull { self.tell(.full(function: function, reason: error.message)) }
    }
}
