import ControlLoops
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization
import Testing

@testable import ModelManager

@Suite struct `The control thread` {
    /// Notes after each await whether it is on the event loop.
    private final class Walker: Service {
        let loop: any EventLoop
        let time: LoopTime
        let notes = Mutex<[Bool]>([])

        init(_ loop: any EventLoop, _ time: LoopTime) {
            self.loop = loop
            self.time = time
        }

        func run() async throws {
            self.note()
            try await self.time.sleep(.milliseconds(1))
            self.note()
            await withTaskGroup(of: Void.self) { group in group.addTask { self.note() } }
            await Task.yield()
            self.note()
        }

        private func note() {
            let isAtHome = self.loop.inEventLoop
            self.notes.withLock { $0.append(isAtHome) }
        }
    }

    @Test func `keeps every step of its services on its event loop`() async throws {
        let thread = ControlThread(MultiThreadedEventLoopGroup.singleton.next())
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let kept = Walker(loop, thread.time)
        try await ControlThread(loop).keep([kept])[0].run()
        #expect(kept.notes.withLock { $0 } == [true, true, true, true])
        let free = Walker(loop, thread.time)
        try await free.run()
        #expect(free.notes.withLock { $0 } == [false, false, false, false])
    }

    @Test func `a wait ends when its task is cancelled`() async throws {
        let time = ControlThread(MultiThreadedEventLoopGroup.singleton.next()).time
        let task = Task { try await time.sleep(.seconds(3600)) }
        task.cancel()
        await #expect(throws: (any Error).self) { try await task.value }
    }
}
