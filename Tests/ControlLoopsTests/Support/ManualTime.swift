import ControlLoops
import Registry
import Synchronization

/// Time that moves only when a test moves it.
///
/// A sleeper is woken when its hour has come. `advance` moves in small steps and waits in between until those it woke
/// sleep again, so that loops which sleep a little at a time live through all of it.
final class ManualTime: Sendable {
    private struct Sleeper {
        var until: Instant
        var continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var now = Instant(nanoseconds: 1_000_000_000_000)
        var sleepers: [Int: Sleeper] = [:]
        var cancelled: Set<Int> = []
        var names = 0
    }

    private let state = Mutex(State())

    var now: Instant { self.state.withLock { $0.now } }

    var time: LoopTime {
        LoopTime(
            now: { self.now },
            wall: { Timestamp(milliseconds: self.now.nanoseconds / 1_000_000) },
            sleep: { try await self.sleep($0) }
        )
    }

    var sleeperCount: Int { self.state.withLock { $0.sleepers.count } }

    func advance(by duration: Duration, step: Duration = .milliseconds(10)) async {
        let end = self.now + duration
        while self.now < end {
            let woken = self.state.withLock { state in
                state.now = min(end, state.now + step)
                let due = state.sleepers.filter { $0.value.until <= state.now }
                for name in due.keys { state.sleepers[name] = nil }
                return due.values.map(\.continuation)
            }
            let asleep = self.sleeperCount + woken.count
            for continuation in woken { continuation.resume() }
            await self.settle(until: asleep)
        }
    }

    /// Lets woken loops run until they sleep again; one that ended or went to wait for something else is not waited for
    /// long.
    private func settle(until count: Int) async {
        for _ in 0..<10 { await Task.yield() }
        let patience = ContinuousClock.now + .milliseconds(100)
        while self.sleeperCount < count, ContinuousClock.now < patience { await Task.yield() }
    }

    private func sleep(_ duration: Duration) async throws {
        let name = self.state.withLock { state in
            state.names += 1
            return state.names
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = self.state.withLock { state in
                    if state.cancelled.remove(name) != nil || duration <= .zero { return true }
                    state.sleepers[name] = Sleeper(until: state.now + duration, continuation: continuation)
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            let sleeper = self.state.withLock { state in
                let sleeper = state.sleepers.removeValue(forKey: name)
                if sleeper == nil { state.cancelled.insert(name) }
                return sleeper
            }
            sleeper?.continuation.resume()
        }
        try Task.checkCancellation()
    }
}
