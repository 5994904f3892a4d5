import Decisions
import Registry
import Testing

@Suite struct `A canary's step` {
    typealias Figures = RolloutMachine.Figures

    enum Verdict: Equatable { case wait, advance, settle, undo }

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var seconds: Int
        var new: Figures
        var old: Figures
        var expected: Verdict
        var step = 1

        init(
            _ name: String,
            after seconds: Int,
            new: (Int64, Int64),
            old: (Int64, Int64),
            _ expected: Verdict,
            step: Int = 1
        ) {
            self.testDescription = name
            self.seconds = seconds
            self.new = Figures(requests: new.0, failures: new.1, latencyMicroseconds: new.0 * 1000)
            self.old = Figures(requests: old.0, failures: old.1, latencyMicroseconds: old.0 * 1000)
            self.expected = expected
            self.step = step
        }
    }

    static let cases = [
        Case("good, before its end: waits", after: 5, new: (50, 0), old: (900, 0), .wait),
        Case("good, at its end: goes on", after: 10, new: (50, 0), old: (900, 0), .advance),
        Case("the last one: settles", after: 10, new: (50, 0), old: (0, 0), .settle, step: 2),
        Case("enough to tell, too many failures: back at once", after: 1, new: (20, 2), old: (900, 0), .undo),
        Case("too few to tell: waits", after: 1, new: (19, 19), old: (900, 0), .wait),
        Case("too few to tell, at its end: any excess counts", after: 10, new: (3, 1), old: (900, 0), .undo),
        Case("exactly as many failures as allowed", after: 10, new: (100, 2), old: (900, 0), .advance),
        Case("a trouble that both have is not held against it", after: 10, new: (100, 50), old: (100, 50), .advance),
        Case("worse than a bad old one: back", after: 10, new: (100, 60), old: (100, 50), .undo),
        Case("nobody asked it while others were asked: waits", after: 99, new: (0, 0), old: (9, 0), .wait),
        Case("the same for ten intervals: back", after: 100, new: (0, 0), old: (9, 0), .undo),
        Case("nobody asks at all: goes on", after: 10, new: (0, 0), old: (0, 0), .advance),
    ]

    @Test(arguments: cases)
    func `is judged by what was measured`(one: Case) throws {
        let action = RolloutMachine.decide(
            try rollout(step: one.step),
            elapsed: .seconds(one.seconds),
            new: one.new,
            old: one.old
        )
        let verdict: Verdict =
            switch action {
            case .wait: .wait
            case .advance: .advance
            case .settle: .settle
            case .undo: .undo
            }
        #expect(verdict == one.expected)
    }

    @Test func `tells the numbers`() throws {
        let new = Figures(requests: 40, failures: 4, latencyMicroseconds: 80_000)
        let old = Figures(requests: 60, failures: 0, latencyMicroseconds: 60_000)
        let text =
            "errors above 2.0 % (at 1 %: v2 40 requests, 4 failed (10.0 %), mean 2.0 ms; "
            + "v1 60 requests, 0 failed (0.0 %), mean 1.0 ms)"
        #expect(RolloutMachine.decide(try rollout(), elapsed: .zero, new: new, old: old) == .undo(text))
    }

    @Test(arguments: [(3.0, true), (1.9, false)])
    func `goes back when it is too slow`(milliseconds: Double, isTooSlow: Bool) throws {
        let rollout = try rollout(latencyRatioMax: 2)
        let new = Figures(requests: 20, failures: 0, latencyMicroseconds: Int64(milliseconds * 20_000))
        let old = Figures(requests: 20, failures: 0, latencyMicroseconds: 20_000)
        let action = RolloutMachine.decide(rollout, elapsed: .zero, new: new, old: old)
        #expect((action != .wait) == isTooSlow)
    }

    private func rollout(step: Int = 1, latencyRatioMax: Double? = nil) throws -> Rollout {
        Rollout(
            version: try #require(ModelVersion("v2")),
            replaces: try #require(ModelVersion("v1")),
            steps: [1, 100],
            step: step,
            interval: .seconds(10),
            errorRateMax: 0.02,
            latencyRatioMax: latencyRatioMax,
            state: .running,
            began: Timestamp(milliseconds: 0),
            stepBegan: 0,
            reason: nil
        )
    }
}
