internal import Decisions
internal import Registry
internal import Synchronization

/// The retry budget of the replica, shared by its event loops. Loops deposit in batches and lock only to retry.
final class RetryJar: Sendable {
    private struct State {
        var budget = RetryBudget()
        /// Since the start, for the other replicas.
        var counts = TrafficTally.Counts(requests: 0, retries: 0)
    }

    private let state = Mutex(State())

    var counts: TrafficTally.Counts { self.state.withLock { $0.counts } }

    func deposit(requests: Int, now: Instant) {
        guard requests > 0 else { return }
        self.state.withLock { state in
            state.budget.deposit(requests: requests, now: now)
            state.counts.requests += requests
        }
    }

    func withdraw(now: Instant) -> Bool {
        self.state.withLock { state in
            guard state.budget.withdraw(now: now) else { return false }
            state.counts.retries += 1
            return true
        }
    }

    func heard(_ news: TrafficTally.Counts, others: Int, now: Instant) {
        self.state.withLock {
            $0.budget.heard(requests: news.requests, retries: news.retries, others: others, now: now)
        }
    }
}
