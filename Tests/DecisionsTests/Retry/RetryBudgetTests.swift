import Decisions
import Registry
import Testing

@Suite struct `A retry budget` {
    private func instant(_ seconds: Double) -> Instant { Instant(nanoseconds: Int64(seconds * 1e9)) }

    private func granted(_ budget: inout RetryBudget, of asked: Int, at seconds: Double) -> Int {
        (0..<asked).count { _ in budget.withdraw(now: self.instant(seconds)) }
    }

    @Test func `allows a few retries where there is hardly any traffic`() {
        var budget = RetryBudget(share: 0.2, perSecondMin: 3, windowSeconds: 10)
        #expect(self.granted(&budget, of: 100, at: 5) == 30)
        #expect(self.granted(&budget, of: 100, at: 14) == 0)
        #expect(self.granted(&budget, of: 100, at: 15.1) == 30)
    }

    @Test func `allows a fifth of the requests of the window`() {
        var budget = RetryBudget()
        budget.deposit(requests: 1000, now: self.instant(1))
        budget.deposit(requests: 1000, now: self.instant(5))
        #expect(self.granted(&budget, of: 1000, at: 6) == 400)
    }

    @Test func `forgets requests and retries that are older than the window`() {
        var budget = RetryBudget()
        budget.deposit(requests: 1000, now: self.instant(1))
        #expect(self.granted(&budget, of: 1000, at: 1) == 200)
        budget.deposit(requests: 300, now: self.instant(11))
        #expect(self.granted(&budget, of: 1000, at: 11) == 60)
        #expect(self.granted(&budget, of: 1000, at: 1_000_000) == 30)
    }

    @Test func `does not mind time that stands still or begins at zero`() {
        var budget = RetryBudget()
        for _ in 0..<10 { budget.deposit(requests: 100, now: self.instant(0)) }
        #expect(self.granted(&budget, of: 1000, at: 0) == 200)
    }
}
