public import Registry
internal import Synchronization

/// The snapshot that a replica uses now, and those who want to know of each next one.
///
/// Subscribers are called one after the other, in the order of the snapshots, before anyone who waits for an epoch
/// goes on: when a wait ends, the data plane uses that epoch already.
public final class SnapshotHolder: Sendable {
    private struct State {
        var current = RegistrySnapshot.empty
        var isLoaded = false
        var delivered = Epoch.zero
        var subscribers: [@Sendable (RegistrySnapshot) -> Void] = []
        var waiting: [Int: Waiter] = [:]
        var waitersEver = 0
    }

    private struct Waiter {
        let epoch: Epoch
        let end: CheckedContinuation<Bool, Never>
    }

    /// More waiting callers than this are turned away at once.
    public static let waitersMax = 10_000

    private let state = Mutex(State())

    public init() {}

    public var current: RegistrySnapshot {
        self.state.withLock { $0.current }
    }

    /// Whether there ever was a snapshot; until then a replica is not ready.
    public var isLoaded: Bool {
        self.state.withLock { $0.isLoaded }
    }

    /// Calls with each snapshot from now on, and with the present one when there is one. The call must not wait.
    public func subscribe(_ subscriber: @escaping @Sendable (RegistrySnapshot) -> Void) {
        let present = self.state.withLock { state in
            state.subscribers.append(subscriber)
            return state.isLoaded ? state.current : nil
        }
        if let present { subscriber(present) }
    }

    /// Swaps the snapshot. One caller at a time.
    public func publish(_ snapshot: RegistrySnapshot) {
        let subscribers = self.state.withLock { state in
            state.current = snapshot
            state.isLoaded = true
            return state.subscribers
        }
        for subscriber in subscribers { subscriber(snapshot) }
        let reached = self.state.withLock { state in
            state.delivered = snapshot.epoch
            let reached = state.waiting.filter { $0.value.epoch <= snapshot.epoch }
            for id in reached.keys { state.waiting[id] = nil }
            return reached.values.map(\.end)
        }
        for end in reached { end.resume(returning: true) }
    }

    /// Waits until this replica uses the epoch or a later one; false when that took too long.
    public func waitForEpoch(_ epoch: Epoch, within limit: Duration) async -> Bool {
        let isThere = self.state.withLock { $0.isLoaded && $0.delivered >= epoch }
        guard !isThere else { return true }
        return await withTaskGroup(of: Bool.self) { group in
            group.addTask { await self.wait(for: epoch) }
            group.addTask {
                try? await Task.sleep(for: limit)
                return false
            }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
    }

    private func wait(for epoch: Epoch) async -> Bool {
        let id = self.state.withLock { state in
            state.waitersEver += 1
            return state.waitersEver
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { end in
                if let answer = self.enlist(id, Waiter(epoch: epoch, end: end)) { end.resume(returning: answer) }
            }
        } onCancel: {
            self.state.withLock { $0.waiting.removeValue(forKey: id) }?.end.resume(returning: false)
        }
    }

    /// Nil when the waiter has to wait.
    private func enlist(_ id: Int, _ waiter: Waiter) -> Bool? {
        self.state.withLock { state in
            if state.isLoaded, state.delivered >= waiter.epoch { return true }
            guard !Task.isCancelled, state.waiting.count < Self.waitersMax else { return false }
            state.waiting[id] = waiter
            return nil
        }
    }
}
