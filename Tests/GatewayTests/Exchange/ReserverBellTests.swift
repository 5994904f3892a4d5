import Synchronization
import Testing

@testable import Gateway

@Suite struct `The reserver's bell` {
    @Test func `tells of room as long as room is wanted, and of a lack always`() {
        let bell = ReserverBell()
        let rings = Counter()
        bell.connect { rings.add() }
        bell.ringForRoom()
        #expect(rings.count == 1)
        bell.setRoomWanted(false)
        bell.ringForRoom()
        #expect(rings.count == 1)
        bell.ring()
        #expect(rings.count == 2)
        bell.setRoomWanted(true)
        bell.ringForRoom()
        #expect(rings.count == 3)
    }

    private final class Counter: Sendable {
        private let value = Mutex(0)
        var count: Int { self.value.withLock { $0 } }
        func add() { self.value.withLock { $0 += 1 } }
    }
}
