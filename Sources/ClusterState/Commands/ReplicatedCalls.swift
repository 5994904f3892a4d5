internal import RedisClient
internal import Synchronization

/// Calls whose effect shall be in Redis replicas before they are answered: `WAIT` for it, for a bounded time.
///
/// `WAIT` tells of the connection's own last write, and holds up everything behind it on that connection. So these calls
/// have a connection of their own, and those that come while a wait is under way share the next one: however many come,
/// and however slow the replicas are, none waits for more than two waits.
/// The hard case is a caller who leaves while it carries the calls of others: they are carried again by the next one,
/// which is harmless, because every function that changes the registry may be repeated.
final class ReplicatedCalls: Sendable {
    private struct Waiting {
        let words: [RedisWord]
        let end: CheckedContinuation<Turn, Never>
    }

    private enum Turn: Sendable {
        case answered(Result<(reply: RedisValue, replicas: Int), RedisError>)
        /// Carry your own call, and those of all who wait.
        case carry
        /// It is not known what became of the call: begin again.
        case again
    }

    private struct State {
        var isCarrying = false
        var waiting: [Waiting] = []
    }

    /// Calls that may wait for the next turn; more are refused.
    static let waitingMax = 1024
    private static let triesMax = 3

    private let redis: Redis
    private let replicas: Int
    private let state = Mutex(State())

    /// The `redis` is for these calls alone.
    init(redis: Redis, replicas: Int) {
        self.redis = redis
        self.replicas = replicas
    }

    /// Calls a function; the second value says whether as many replicas as wanted have it.
    func call(
        _ function: String,
        key: String,
        arguments: [RedisWord]
    ) async throws(RedisError) -> (reply: RedisValue, isReplicated: Bool) {
        let name = self.redis.library?.functionName(function) ?? function
        let words = ["FCALL", RedisWord(name), "1", RedisWord(key)] + arguments
        for _ in 0..<Self.triesMax {
            let result: Result<(reply: RedisValue, replicas: Int), RedisError>
            switch await self.turn(words) {
            case .carry: result = await self.carry(words)
            case .answered(let others): result = others
            case .again: continue
            }
            let (reply, replicas) = try result.get()
            guard case .error(let text) = reply else { return (reply, replicas >= self.replicas) }
            let error = RedisError(reply: text)
            guard error.code == .functionMissing else { throw error }
            try await self.redis.loadLibrary()  // as after a failover to a server that never had it
        }
        throw RedisError(.connectionLost, "others who carried this call left", isOutcomeUnknown: true)
    }

    /// Waits for a turn, unless nobody carries calls now.
    private func turn(_ words: [RedisWord]) async -> Turn {
        let isFirst = self.state.withLock { state in
            defer { state.isCarrying = true }
            return !state.isCarrying
        }
        if isFirst { return .carry }
        return await withCheckedContinuation { end in
            let now = self.state.withLock { state -> Turn? in
                guard state.isCarrying else {
                    state.isCarrying = true
                    return .carry
                }
                guard state.waiting.count < Self.waitingMax else {
                    let message = "\(Self.waitingMax) changes wait for Redis replicas already"
                    return .answered(.failure(RedisError(.tooManyInFlight, message)))
                }
                state.waiting.append(Waiting(words: words, end: end))
                return nil
            }
            if let now { end.resume(returning: now) }
        }
    }

    /// Sends this call and those of all who wait, with one `WAIT` behind them, and then passes the turn on.
    private func carry(_ words: [RedisWord]) async -> Result<(reply: RedisValue, replicas: Int), RedisError> {
        let others = self.state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        let wait: [RedisWord] = ["WAIT", RedisWord(Int64(self.replicas)), RedisWord(Self.waitMilliseconds)]
        let commands = [words] + others.map(\.words) + [wait]
        let outcome: Result<[RedisValue], RedisError>
        do throws(RedisError) {
            outcome = .success(try await self.redis.send(pipeline: commands, within: Self.timeout))
        } catch {
            outcome = .failure(error)
        }
        self.pass()
        return self.answer(others, outcome)
    }

    private func answer(
        _ others: [Waiting],
        _ outcome: Result<[RedisValue], RedisError>
    ) -> Result<(reply: RedisValue, replicas: Int), RedisError> {
        switch outcome {
        case .success(let replies):
            let replicas = Int(replies.last?.integer ?? 0)
            for (other, reply) in zip(others, replies.dropFirst()) {
                other.end.resume(returning: .answered(.success((reply, replicas))))
            }
            return .success((replies[0], replicas))
        case .failure(let error):
            let turn: Turn = error.code == .cancelled ? .again : .answered(.failure(error))
            for other in others { other.end.resume(returning: turn) }
            return .failure(error)
        }
    }

    /// The oldest of those who wait is the next to carry; its words travel with it.
    private func pass() {
        let next = self.state.withLock { state -> Waiting? in
            guard !state.waiting.isEmpty else {
                state.isCarrying = false
                return nil
            }
            return state.waiting.removeFirst()
        }
        next?.end.resume(returning: .carry)
    }

    /// The contract's bound.
    private static let waitMilliseconds: Int64 = 100
    /// For the calls before the wait, and the wait.
    private static let timeout = Duration.milliseconds(1_500)
}
