internal import Synchronization

/// Wakes the loop that reserves permits, or the one that reserves tickets; silent until one is connected.
final class ReserverBell: Sendable {
    private let wake = Mutex<(@Sendable () -> Void)?>(nil)

    var isConnected: Bool { self.wake.withLock { $0 != nil } }

    func connect(_ wake: @escaping @Sendable () -> Void) {
        self.wake.withLock { $0 = wake }
    }

    func ring() {
        self.wake.withLock { $0 }?()
    }
}
