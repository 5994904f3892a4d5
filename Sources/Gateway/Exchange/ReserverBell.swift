internal import Synchronization

/// Wakes the loop that reserves permits, or the one that reserves tickets; silent until one is connected.
final class ReserverBell: Sendable {
    /// In a struct, for a bare closure that comes out of a generic type is wrapped anew, in fresh memory, each time.
    private struct Wake {
        var call: @Sendable () -> Void
    }

    private let wake = Mutex<Wake?>(nil)
    private let isRoomWanted = Atomic(true)

    var isConnected: Bool { self.wake.withLock { $0 != nil } }

    func connect(_ wake: @escaping @Sendable () -> Void) {
        self.wake.withLock { $0 = Wake(call: wake) }
    }

    /// Whether somebody elsewhere wants what could be given back.
    func setRoomWanted(_ isWanted: Bool) {
        self.isRoomWanted.store(isWanted, ordering: .releasing)
    }

    /// Something could be given back.
    func ringForRoom() {
        if self.isRoomWanted.load(ordering: .acquiring) { self.ring() }
    }

    func ring() {
        self.wake.withLock { $0 }?.call()
    }
}
