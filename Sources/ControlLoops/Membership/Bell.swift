internal import Registry
internal import Synchronization

/// Wakes one waiting loop; ringing it while nobody waits lets the next wait end at once. Rings do not add up.
///
/// Ringing is synchronous, so the request path can do it; when the loop is awake already that is one atomic exchange.
final class Bell: Sendable {
    private struct Inner {
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let isRung = Atomic(false)
    private let inner = Mutex(Inner())

    func ring() {
        guard !self.isRung.exchange(true, ordering: .acquiringAndReleasing) else { return }
        self.inner.withLock { inner in
            let waiter = inner.waiter
            inner.waiter = nil
            return waiter
        }?.resume()
    }

    /// Returns when the bell rings, the time is up or the task is cancelled.
    func wait(atMost limit: Duration, _ time: LoopTime) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await time.sleep(limit) }
            group.addTask { await self.waitForRing() }
            await group.next()
            group.cancelAll()
        }
        // Whoever rings from here on is answered by the next wait; whoever rang before gets no other answer than the turn that
        // follows. So what he wrote before he rang must be seen by it: only an exchange, which reads what the ringer wrote,
        // makes that sure. After a plain store the turn's reads may come first, on x86 as well.
        _ = self.isRung.exchange(false, ordering: .acquiringAndReleasing)
    }

    private func waitForRing() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = self.inner.withLock { inner in
                    guard !self.isRung.load(ordering: .acquiring), !Task.isCancelled else { return true }
                    inner.waiter = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            self.inner.withLock { inner in
                let waiter = inner.waiter
                inner.waiter = nil
                return waiter
            }?.resume()
        }
    }
}
