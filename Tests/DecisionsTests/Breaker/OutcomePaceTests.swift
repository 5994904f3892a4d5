import Registry
import Testing

@testable import Decisions

@Suite struct OutcomePaceTests {
    private func milliseconds(_ count: Int) -> Instant { Instant(nanoseconds: 0) + .milliseconds(count) }

    /// The turns of a reporter that looks every 50 ms, of which those are returned that tell.
    private func told(_ pace: inout OutcomePace, from: Int, to: Int, urgent: Set<Int> = []) -> [Int] {
        stride(from: from, to: to, by: 50).filter {
            pace.isDue(now: self.milliseconds($0), isUrgent: urgent.contains($0))
        }
    }

    @Test func `tells once a second where nothing fails`() {
        var pace = OutcomePace()
        #expect(self.told(&pace, from: 0, to: 3001) == [0, 1000, 2000, 3000])
    }

    @Test func `tells a failure at once`() {
        var pace = OutcomePace()
        #expect(self.told(&pace, from: 0, to: 2000, urgent: [350, 400]) == [0, 350, 400, 1400])
    }

    @Test func `tells every 100 ms for as long as a failure counts`() {
        var pace = OutcomePace()
        pace.watch(now: self.milliseconds(0))
        #expect(self.told(&pace, from: 0, to: 10_000) == Array(stride(from: 0, to: 10_000, by: 100)))
        #expect(self.told(&pace, from: 10_000, to: 12_000) == [10_900, 11_900])
    }

    @Test func `a further failure prolongs the watch`() {
        var pace = OutcomePace()
        pace.watch(now: self.milliseconds(0))
        pace.watch(now: self.milliseconds(5000))
        #expect(self.told(&pace, from: 14_800, to: 15_000) == [14_800, 14_900])
    }
}
