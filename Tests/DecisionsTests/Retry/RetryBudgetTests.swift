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

    @Test func `counts the requests and retries of the other replicas`() {
        var budget = RetryBudget()
        budget.deposit(requests: 100, now: self.instant(1))
        budget.heard(requests: 900, retries: 150, others: 1, now: self.instant(1))
        #expect(
            self.granted(&budget, of: 1000, at: 2) == 25,
            "half of the 50 that are left; the other may take as many"
        )
        budget.heard(requests: 0, retries: 0, others: 1, now: self.instant(2))
        #expect(self.granted(&budget, of: 1000, at: 2) == 13, "half of what the other did not take")
    }

    @Test func `gives all replicas together no more than the jar holds`() {
        var budgets = [RetryBudget](repeating: RetryBudget(), count: 3)
        var total = 0
        for second in 1...60 {
            let now = self.instant(Double(second))
            let granted = budgets.indices.map { self.granted(&budgets[$0], of: 50, at: Double(second)) }
            total += granted.reduce(0, +)
            for index in budgets.indices {
                budgets[index].deposit(requests: 10, now: now)
                let others = granted.reduce(0, +) - granted[index]
                budgets[index].heard(requests: 20, retries: others, others: 2, now: now)
            }
        }
        // A fifth of 30 requests a second, and what three quiet replicas may do before they know of each other.
        #expect(total <= 60 * 6 + 3 * 30, "\(total)")
        #expect(total >= 60 * 5, "\(total)")
    }

    @Test func `goes by its own figures when it hears nothing`() {
        var budget = RetryBudget()
        budget.heard(requests: 0, retries: 30, others: 1, now: self.instant(1))
        #expect(self.granted(&budget, of: 100, at: 2) == 0)
        #expect(self.granted(&budget, of: 100, at: 12) == 30)
    }

    @Test func `hears of others by the growth of their counts`() {
        var tally = TrafficTally()
        #expect(tally.heard(["b.1": .init(requests: 500, retries: 9)]) == .init(requests: 0, retries: 0))
        let grown = tally.heard(["b.1": .init(requests: 510, retries: 11), "c.1": .init(requests: 7, retries: 7)])
        #expect(grown == .init(requests: 10, retries: 2), "what a stranger did before is no news")
        #expect(tally.heard(["b.2": .init(requests: 3, retries: 0)]) == .init(requests: 0, retries: 0))
    }
}
