import Registry
import Synchronization
import Testing

@testable import Gateway

@Suite struct `The settled epoch` {
    @Test func `rises when the last event loop has passed, and is told once`() {
        let settled = SettledEpoch(loops: 2)
        let told = Mutex<[Epoch]>([])
        settled.onRise { epoch in told.withLock { $0.append(epoch) } }
        settled.passed(Epoch(5), loop: 0)
        #expect(settled.epoch == .zero)
        settled.passed(Epoch(7), loop: 1)
        #expect(settled.epoch == Epoch(5))
        settled.passed(Epoch(7), loop: 0)
        settled.passed(Epoch(7), loop: 0)
        #expect(settled.epoch == Epoch(7))
        #expect(told.withLock { $0 } == [Epoch(5), Epoch(7)])
    }

    @Test func `never goes back`() {
        let settled = SettledEpoch(loops: 1)
        settled.passed(Epoch(9), loop: 0)
        settled.passed(Epoch(4), loop: 0)
        #expect(settled.epoch == Epoch(9))
    }
}
