internal import Synchronization

/// Whether the caller of a connection is still there.
///
/// A caller who leaves must not keep an attempt, a permit or an event stream running. The connection's handler says
/// when it has gone; whatever works for it runs inside `whilePresent`, which is cancelled then.
final class CallerPresence: Sendable {
    private struct State {
        var hasLeft = false
        var nextID = 0
        var waiting: [Int: AsyncStream<Void>.Continuation] = [:]
    }

    private let state = Mutex(State())

    /// Called once, by the connection's handler.
    func leave() {
        let waiting = self.state.withLock { state in
            state.hasLeft = true
            defer { state.waiting = [:] }
            return state.waiting
        }
        for continuation in waiting.values { continuation.finish() }
    }

    /// Runs the work; cancels it when the caller leaves, and throws `CancellationError` then.
    func whilePresent<Value: Sendable>(
        _ work: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let (departure, id) = self.departure()
        defer { self.forget(id) }
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await work() }
            group.addTask {
                for await _ in departure {}
                return nil
            }
            defer { group.cancelAll() }
            guard case .some(.some(let value)) = try await group.next() else { throw CancellationError() }
            return value
        }
    }

    private func departure() -> (AsyncStream<Void>, Int) {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let id = self.state.withLock { state in
            state.nextID += 1
            if !state.hasLeft { state.waiting[state.nextID] = continuation }
            return state.hasLeft ? nil : state.nextID
        }
        if id == nil { continuation.finish() }
        return (stream, id ?? 0)
    }

    private func forget(_ id: Int) {
        let continuation = self.state.withLock { $0.waiting.removeValue(forKey: id) }
        continuation?.finish()
    }
}
