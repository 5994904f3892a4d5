internal import Decisions
internal import Registry
internal import Synchronization

/// The retry budget of the replica, shared by its event loops. Loops deposit in batches and lock only to retry.
final class RetryJar: Sendable {
    private let budget = Mutex(RetryBudget())

    func deposit(requests: Int, now: Instant) {
        guard requests > 0 else { return }
        self.budget.withLock { $0.deposit(requests: requests, now: now) }
    }

    func withdraw(now: Instant) -> Bool {
        self.budget.withLock { $0.withdraw(now: now) }
    }
}
