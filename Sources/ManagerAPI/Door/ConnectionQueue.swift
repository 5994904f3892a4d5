internal import Synchronization

/// Hands connections from their event loops to the one task that serves them, at most `placesMax` at a time.
///
/// A connection takes its place before its pipeline is made and gives it back when it has been served, so the queue
/// ends only after the last one: none is ever put into a queue that nobody empties. For the same reason the wait for
/// the next one does not heed cancellation; closing the queue ends it.
final class ConnectionQueue<Connection: Sendable>: Sendable {
    private struct State {
        var isClosing = false
        var placesTaken = 0
        var arrived: [Connection] = []
        var waiter: CheckedContinuation<Connection?, Never>?

        var isOver: Bool { self.isClosing && self.placesTaken == 0 }
    }

    private let placesMax: Int
    private let state = Mutex(State())

    init(placesMax: Int) { self.placesMax = placesMax }

    /// False when all places are taken, or the queue is closing.
    func takePlace() -> Bool {
        self.state.withLock { state in
            guard !state.isClosing, state.placesTaken < self.placesMax else { return false }
            state.placesTaken += 1
            return true
        }
    }

    /// Puts a connection in that has taken a place.
    func put(_ connection: Connection) {
        let waiter = self.state.withLock { state in
            guard let waiter = state.waiter else {
                state.arrived.append(connection)
                return nil as CheckedContinuation<Connection?, Never>?
            }
            state.waiter = nil
            return waiter
        }
        waiter?.resume(returning: connection)
    }

    func givePlaceBack() {
        self.state.withLock { $0.placesTaken -= 1 }
        self.endIfOver()
    }

    /// No more connections; those that have a place keep it until they give it back.
    func close() {
        self.state.withLock { $0.isClosing = true }
        self.endIfOver()
    }

    /// Nil after the last one. Only one task may wait.
    func next() async -> Connection? {
        await withCheckedContinuation { continuation in
            let answer: Connection?? = self.state.withLock { state in
                if !state.arrived.isEmpty { return .some(state.arrived.removeFirst()) }
                if state.isOver { return .some(nil) }
                precondition(state.waiter == nil, "two tasks wait for connections")
                state.waiter = continuation
                return nil
            }
            if let answer { continuation.resume(returning: answer) }
        }
    }

    private func endIfOver() {
        let waiter = self.state.withLock { state in
            guard state.isOver else { return nil as CheckedContinuation<Connection?, Never>? }
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(returning: nil)
    }
}
