import ControlLoops
import Logging
import ManagerTesting
import Registry
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(5))) struct `The lease sweep` {
    /// Answers the calls one after another; nil: the store is away.
    final class Leases: LeaseCommands {
        struct Away: Error {}

        private let answers: Mutex<[[ServiceID]?]>
        private let asked = Mutex(0)
        let terms = Mutex<Set<Term>>([])
        var calls: Int { self.asked.withLock { $0 } }

        init(_ answers: [[ServiceID]?]) { self.answers = Mutex(answers) }

        func expireLeases(under term: Term) async throws -> [ServiceID] {
            self.asked.withLock { $0 += 1 }
            self.terms.withLock { _ = $0.insert(term) }
            let answer = self.answers.withLock { $0.isEmpty ? [] : $0.removeFirst() }
            guard let answer else { throw Away() }
            return answer
        }
    }

    @Test func `asks every second, names who is removed, and outlives the store's absence`() async throws {
        let late = try #require(ServiceID("late"))
        let (leases, log, time) = (Leases([[], nil, nil, [late]]), LogCapture(), ManualTime())
        let sweep = LeaseSweep(
            leases: leases,
            leadership: FakeLeadership(Term(3)),
            time: time.time,
            logger: log.logger()
        )
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
        #expect(leases.terms.withLock { $0 } == [Term(3)])
    }

    @Test func `rests while another replica leads, and begins at once when this one is elected`() async throws {
        let (leases, time, leadership) = (Leases([]), ManualTime(), FakeLeadership(nil))
        let sweep = LeaseSweep(
            leases: leases,
            leadership: leadership,
            time: time.time,
            logger: LogCapture().logger()
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await sweep.run() }
            let isAsleep = try await eventually(within: .seconds(10)) { time.sleeperCount == 1 }
            #expect(isAsleep)
            await time.advance(by: .seconds(3), step: .milliseconds(100))
            #expect(leases.calls == 0)
            leadership.elect(Term(5))
            let asked = try await eventually(within: .seconds(10)) { leases.calls == 1 }
            #expect(asked, "without any time passing")
            leadership.depose()
            await time.advance(by: .seconds(3), step: .milliseconds(100))
            #expect(leases.calls == 1)
            group.cancelAll()
        }
    }
}
