import ManagerTesting
import NIOCore
import Testing

@testable import Gateway

@Suite struct `The pace of sweeps` {
    private enum Fact { case began, woke, swept(isBusy: Bool) }

    /// What the pace says to each fact, in a word.
    private func answers(_ facts: [Fact]) -> [String] {
        var pace = SweepPace()
        return facts.compactMap { fact in
            switch fact {
            case .began: return pace.mustHurry() ? "hurry" : "-"
            case .woke:
                pace.woke()
                return nil
            case .swept(let isBusy): return pace.swept(isBusy: isBusy) == SweepPace.rest ? "rest" : "busy"
            }
        }
    }

    @Test func `is close while anything is under way, and slow after two quiet sweeps`() {
        let facts = [true, false, false, false, true, false].map { Fact.swept(isBusy: $0) }
        #expect(self.answers(facts) == ["busy", "busy", "rest", "rest", "busy", "busy"])
    }

    @Test func `is close again at once for what begins in a rest, and is told so once`() {
        let rest = [Fact.swept(isBusy: false), .swept(isBusy: false)]
        #expect(
            self.answers([.began] + rest + [.began, .began] + rest) == [
                "-", "busy", "rest", "hurry", "-", "busy", "rest",
            ]
        )
    }

    @Test func `needs no word for what begins within a sweep`() {
        let facts: [Fact] = [.swept(isBusy: false), .swept(isBusy: false), .woke, .began, .swept(isBusy: true)]
        #expect(self.answers(facts) == ["busy", "rest", "-", "busy"])
    }

    /// Lateness only makes the pause longer, so this holds on a busy machine too.
    @Test func `of a loop that served and rests again is that of one chain of sweeps`() async throws {
        let stub = try await StubUpstream.answering(StubUpstream.json("{}"))
        try await Setting.run { setting in
            setting.register([try Setting.service("a", at: stub.url)])
            let plane = setting.plane.planes[0]
            for _ in 0..<3 {
                #expect(try await setting.predict().status == 200)
                try await self.pass(4, plane)
            }
            let began = ContinuousClock.now
            try await self.pass(5, plane)
            #expect(ContinuousClock.now - began > .milliseconds(900))
        }
        await stub.stop()
    }

    /// Waits until the loop has swept so often.
    private func pass(_ sweeps: Int, _ plane: LoopPlane) async throws {
        let goal = try await plane.loop.submit { plane.sweeps }.get() + sweeps
        #expect(
            try await eventually(within: .seconds(60)) { try await plane.loop.submit { plane.sweeps }.get() >= goal }
        )
    }
}
