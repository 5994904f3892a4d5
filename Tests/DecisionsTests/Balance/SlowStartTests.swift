import Decisions
import Registry
import Testing

@Suite struct `The slow start of an instance` {
    private let begun = Instant(nanoseconds: 7_000_000_000)
    private var slowStart: SlowStart { SlowStart(since: self.begun, window: .seconds(10)) }

    /// In percent, rounded.
    private func share(at seconds: Double) -> Int {
        let share = self.slowStart.share(now: self.begun + .milliseconds(Int(seconds * 1000)))
        return Int((Double(share) / Double(SlowStart.whole) * 100).rounded())
    }

    @Test(arguments: [(-1, 10), (0, 10), (1, 19), (5, 55), (9, 91), (10, 100), (1e6, 100)] as [(Double, Int)])
    func `rises in a straight line from a tenth to the whole share`(seconds: Double, percent: Int) {
        #expect(self.share(at: seconds) == percent)
        #expect(self.slowStart.isOver(now: self.begun + .milliseconds(Int(seconds * 1000))) == (seconds >= 10))
    }

    @Test(arguments: [UInt64(0), 1 << 31, .max - SlowStart.whole / 2])
    func `takes as many of any run of turns as the shares add up to`(start: UInt64) {
        var (sum, expected, taken) = (start, 0.0, 0)
        for turn in 0..<2000 {
            let share = self.slowStart.share(now: self.begun + .milliseconds(6 * turn))
            let before = sum
            sum &+= share
            if SlowStart.takesTurn(before: before, after: sum) { taken += 1 }
            expected += Double(share) / Double(SlowStart.whole)
            #expect(abs(expected - Double(taken)) <= 1, "turn \(turn)")
        }
        #expect(taken > 1000)
    }

    @Test func `takes every turn once it is over`() {
        let share = self.slowStart.share(now: self.begun + .seconds(10))
        for before in [UInt64(0), 77, .max] { #expect(SlowStart.takesTurn(before: before, after: before &+ share)) }
    }

    @Test func `brings the keys of consistent hashing back one after another, and each of them once`() {
        let member = StableHash.of("lstm@http://10.0.0.1:8000")
        let keys = (0..<1000).map { StableHash.of("user-\($0)") }
        var back: Set<UInt64> = []
        for second in 0...10 {
            let now = self.begun + .seconds(second)
            let here = Set(keys.filter { self.slowStart.takesKey($0, of: member, now: now) })
            #expect(back.isSubset(of: here), "a key left again")
            // Of 1,000 draws, six standard deviations are less than 100.
            #expect(abs(here.count - min(1000, 100 + 90 * second)) < 100)
            back = here
        }
        #expect(back.count == 1000)
    }
}
