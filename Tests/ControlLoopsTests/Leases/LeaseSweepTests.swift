import ControlLoops
import Logging
import ManagerTesting
import Registry
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(3))) struct `The lease sweep` {
    /// Answers the calls one after another; nil: the store is away.
    final class Leases: LeaseCommands {
        struct Away: Error {}

        private let answers: Mutex<[[ServiceID]?]>
        private let asked = Mutex(0)
        var calls: Int { self.asked.withLock { $0 } }

        init(_ answers: [[ServiceID]?]) { self.answers = Mutex(answers) }

        func expireLeases() async throws -> [ServiceID] {
            self.asked.withLock { $0 += 1 }
            let answer = self.answers.withLock { $0.isEmpty ? [] : $0.removeFirst() }
            guard let answer else { throw Away() }
            return answer
        }
    }

    @Test func `asks every second, names who is removed, and outlives the store's absence`() async throws {
        let late = try #require(ServiceID("late"))
        let (leases, log, time) = (Leases([[], nil, nil, [late]]), LogCapture(), ManualTime())
        let sweep = LeaseSweep(leases: leases, time: time.time, logger: log.logger())
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await sweep.run() }
            let first = try await eventually(within: .seconds(10)) { leases.calls == 1 && time.sleeperCount == 1 }
            #expect(first)
            await time.advance(by: .seconds(5), step: .milliseconds(100))
            #expect(leases.calls == 6)
            group.cancelAll()
        }
        #expect(log.entries.map(\.level) == [.debug, .info])
        #expect(log.entries.last?.metadata["mm.service"] == "late")
    }
}
