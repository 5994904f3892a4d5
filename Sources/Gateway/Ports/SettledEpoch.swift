internal import Registry
internal import Synchronization

/// The epoch that all event loops of a replica route by: what a switch waits for.
///
/// That the table was swapped is not enough: a loop may be in the middle of a request that it planned by the old one.
/// So each loop says so itself, in a task of its own behind whatever it was doing.
final class SettledEpoch: Sendable {
    private struct State {
        var ofLoops: [Epoch]
        var settled = Epoch.zero
        var handler: (@Sendable (Epoch) -> Void)?
    }

    private let state: Mutex<State>

    init(loops: Int) {
        self.state = Mutex(State(ofLoops: [Epoch](repeating: .zero, count: loops)))
    }

    var epoch: Epoch { self.state.withLock { $0.settled } }

    /// Called on an event loop each time the epoch has risen; must not wait.
    func onRise(_ handler: @escaping @Sendable (Epoch) -> Void) {
        self.state.withLock { $0.handler = handler }
    }

    func passed(_ epoch: Epoch, loop: Int) {
        let (handler, settled) = self.state.withLock { state -> ((@Sendable (Epoch) -> Void)?, Epoch) in
            state.ofLoops[loop] = max(state.ofLoops[loop], epoch)
            let least = state.ofLoops.min() ?? epoch
            guard least > state.settled else { return (nil, least) }
            state.settled = least
            return (state.handler, least)
        }
        handler?(settled)
    }
}
