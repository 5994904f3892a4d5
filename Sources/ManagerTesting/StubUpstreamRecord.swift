internal import NIOCore
internal import Synchronization

/// What a stub saw, shared by its connections.
final class StubRecord: Sendable {
    private struct State {
        var requests: [String] = []
        var connections = 0
        var sentBytes = 0
        var channels: [ObjectIdentifier: any Channel] = [:]
        var holding: [EventLoopPromise<Void>] = []
        var isReleased = false
    }

    private let state = Mutex(State())

    var requests: [String] { self.state.withLock { $0.requests } }
    var connections: Int { self.state.withLock { $0.connections } }
    var sentBytes: Int { self.state.withLock { $0.sentBytes } }

    func sent(_ bytes: Int) { self.state.withLock { $0.sentBytes += bytes } }

    var open: Int { self.state.withLock { $0.channels.count } }

    func opened(_ channel: any Channel) {
        self.state.withLock {
            $0.connections += 1
            $0.channels[ObjectIdentifier(channel)] = channel
        }
    }

    func closed(_ channel: any Channel) {
        _ = self.state.withLock { $0.channels.removeValue(forKey: ObjectIdentifier(channel)) }
    }

    /// The number of this request.
    func received(_ request: String) -> Int {
        self.state.withLock {
            $0.requests.append(request)
            return $0.requests.count - 1
        }
    }

    func hold(_ promise: EventLoopPromise<Void>) {
        let isReleased = self.state.withLock { state in
            if !state.isReleased { state.holding.append(promise) }
            return state.isReleased
        }
        if isReleased { promise.succeed() }
    }

    func release() {
        let holding = self.state.withLock { state in
            state.isReleased = true
            defer { state.holding = [] }
            return state.holding
        }
        for promise in holding { promise.succeed() }
    }

    func resetAll() {
        for channel in self.state.withLock({ Array($0.channels.values) }) { StubConnection.reset(channel) }
        self.release()
    }
}
