internal import Synchronization

/// When Redis was last heard from: what `/health` and `x-mm-stale` say. Cheap, and never waits.
public final class StoreContact: Sendable {
    private struct State {
        var lastHeard = ContinuousClock.now
        var isReachable = false
        var wasEverHeard = false
        var failure: String?
    }

    /// A reachable Redis answers the waiting read of the log at least this often.
    private static let silenceMax = Duration.seconds(5)

    private let state = Mutex(State())

    public init() {}

    /// How old what this replica knows may be; nil while Redis is there.
    public var staleness: Duration? {
        let state = self.state.withLock { $0 }
        let silence = ContinuousClock.now - state.lastHeard
        return state.isReachable && silence < Self.silenceMax ? nil : silence
    }

    /// Time since Redis was last heard from; since the start when it never was.
    public var silence: Duration {
        ContinuousClock.now - self.state.withLock { $0.lastHeard }
    }

    public var wasEverHeard: Bool {
        self.state.withLock { $0.wasEverHeard }
    }

    /// Returns whether it could not be reached before.
    @discardableResult
    func heard() -> Bool {
        self.state.withLock { state in
            defer { state = State(lastHeard: .now, isReachable: true, wasEverHeard: true) }
            return !state.isReachable
        }
    }

    /// Why it was not heard when it was last asked.
    var failure: String? {
        self.state.withLock { $0.failure }
    }

    /// Returns whether it could be reached before.
    @discardableResult
    func lost(because failure: String) -> Bool {
        self.state.withLock { state in
            defer { (state.isReachable, state.failure) = (false, failure) }
            return state.isReachable
        }
    }
}
