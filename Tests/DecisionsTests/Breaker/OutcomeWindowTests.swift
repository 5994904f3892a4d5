import Decisions
import ManagerTesting
import Registry
import Testing

@Suite struct `An outcome window` {
    func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

    @Test func `sums up and forgets a second at a time`() {
        var window = OutcomeWindow(length: .seconds(10))
        window.add(successes: 1, failures: 2, now: at(500))
        window.add(successes: 10, failures: 0, now: at(1500))
        #expect(window.totals(now: at(9_999)) == .init(successes: 11, failures: 2))
        #expect(window.totals(now: at(10_000)) == .init(successes: 10, failures: 0))
        #expect(window.totals(now: at(11_000)) == .init())
    }

    @Test func `starts a bucket anew after a lap, however long the pause`() {
        var window = OutcomeWindow(length: .seconds(10))
        window.add(successes: 0, failures: 5, now: at(0))
        window.add(successes: 1, failures: 0, now: at(20_000))
        #expect(window.totals(now: at(20_000)) == .init(successes: 1, failures: 0))
    }

    @Test func `counts what comes late as of now`() {
        var window = OutcomeWindow(length: .seconds(10))
        window.add(successes: 1, failures: 0, now: at(15_000))
        window.add(successes: 0, failures: 1, now: at(3_000))
        #expect(window.totals(now: at(15_000)) == .init(successes: 1, failures: 1))
    }

    @Test(arguments: SeededRandom.runs(3)) func `equals a list of everything that happened`(seeded: SeededRandom) {
        var random = seeded
        var window = OutcomeWindow(length: .seconds(10))
        var list: [(second: Int64, failures: Int)] = []
        var now: Int64 = 0
        for _ in 0..<2000 {
            now += Int64.random(in: 0...2500, using: &random)
            let failures = Int.random(in: 0...3, using: &random)
            window.add(successes: 0, failures: failures, now: at(now))
            list.append((now / 1000, failures))
            let expected = list.filter { $0.second > now / 1000 - 10 }.reduce(0) { $0 + $1.failures }
            #expect(window.totals(now: at(now)).failures == expected)
        }
    }

    @Test(arguments: [(4, 5, false), (5, 5, true), (0, 10, true), (10, 0, false), (6, 5, false), (0, 9, false)])
    func `tells when a share of enough requests failed`(successes: Int, failures: Int, expected: Bool) {
        let totals = OutcomeWindow.Totals(successes: successes, failures: failures)
        #expect(totals.failsAtLeast(0.5, of: 10) == expected)
    }
}
