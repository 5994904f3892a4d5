internal import ClusterFunctions
public import RedisClient
public import Registry

/// The shared truth, typed: one method per Redis Function, named after what it does to the registry.
///
/// A method returns when Redis has done what it says. It keeps nothing: what a replica knows lives in its snapshot,
/// which follows the log. Epochs passed as `floor` keep the cluster's epoch from going back when a Redis lost data and
/// its clock lags behind.
public final class ClusterState: Sendable {
    public let keys: Keys
    let redis: Redis
    /// This replica.
    private let replica: String
    /// Who the events name when the caller does not say: this replica, and on whose behalf.
    var actor: String { Acting.principal.map { "\($0.id)@\(self.replica)" } ?? self.replica }
    /// Of the leader whose writes these are; nil when they are not a leader's.
    private let term: Term?
    /// Carries changes that shall be in Redis replicas before they are answered; nil when nobody asked for that.
    private let replicated: ReplicatedCalls?
    /// Hears how each command went; nil when nobody wants to know that Redis is full.
    private let fullness: FullStore?

    /// - Parameters:
    ///   - redis: For short commands; its library must be `ClusterState.library`.
    ///   - namespace: `REDIS_KEY_PREFIX`.
    ///   - actor: This replica.
    ///   - changes: For changes of the registry alone, with the number of Redis replicas that they wait for.
    ///   - fullness: Is told how each command went.
    public init(
        redis: Redis,
        namespace: String,
        actor: String = "replica",
        changes: (redis: Redis, replicas: Int)? = nil,
        fullness: FullStore? = nil
    ) {
        self.keys = Keys(namespace: namespace)
        self.redis = redis
        self.replica = actor
        self.term = nil
        self.replicated = changes.map { ReplicatedCalls(redis: $0.redis, replicas: $0.replicas) }
        self.fullness = fullness
    }

    private init(_ state: ClusterState, term: Term) {
        self.keys = state.keys
        self.redis = state.redis
        self.replica = state.replica
        self.term = term
        self.replicated = state.replicated
        self.fullness = state.fullness
    }

    /// The same truth for what a leader does: each function takes effect only while no newer term was begun, and throws
    /// `deposed` otherwise. To be made anew for each step of a leader, with the term it has then.
    public func leading(under term: Term) -> ClusterState {
        ClusterState(self, term: term)
    }

    /// The functions, to be given to `Redis`.
    public static let library = RedisLibrary(base: ClusterFunctions.libraryName, parts: ClusterFunctions.parts)

    func call(
        _ function: String,
        _ arguments: [RedisWord],
        within: Duration? = nil
    ) async throws(StateError) -> ReplyReader {
        let reply: RedisValue
        let (name, words) = self.fenced(function, arguments)
        do throws(RedisError) {
            reply = try await self.redis.call(name, keys: [self.keys.prefix], arguments: words, within: within)
        } catch {
            throw self.failure(error, of: function)
        }
        self.fullness?.succeeded(function)
        return try ReplyReader(self.term == nil ? reply : Self.written(reply, by: function), of: function)
    }

    private static func written(_ reply: RedisValue, by function: String) throws(StateError) -> RedisValue {
        var written = try ReplyReader(reply, of: "lease_write")
        switch try written.text() {
        case "written": return written.rest().first ?? .null
        case "fenced": throw StateError(.deposed, "\(function) came from a leader whose term is over")
        case let status: throw StateError(.unreadable, "lease_write answered \(status)")
        }
    }

    private func fenced(_ function: String, _ arguments: [RedisWord]) -> (String, [RedisWord]) {
        guard let term = self.term else { return (function, arguments) }
        let write = Self.bounded.contains(function) ? "lease_write_bounded" : "lease_write"
        return (write, [RedisWord(term.rawValue), RedisWord(function)] + arguments)
    }

    /// What a leader does also when Redis is full: it frees memory. Each has the flag in its Lua file.
    private static let bounded: Set<String> = ["discovery_remove", "service_remove", "services_expire"]

    /// Calls a function that changes the registry, and waits for Redis replicas when the operator asked for that.
    func commit(
        _ function: String,
        _ arguments: [RedisWord]
    ) async throws(StateError) -> (reply: ReplyReader, durability: Durability?) {
        guard let replicated else { return (try await self.call(function, arguments), nil) }
        let done: (reply: RedisValue, isReplicated: Bool)
        do throws(RedisError) {
            let (name, arguments) = self.fenced(function, arguments)
            done = try await replicated.call(name, key: self.keys.prefix, arguments: arguments)
        } catch {
            throw self.failure(error, of: function)
        }
        self.fullness?.succeeded(function)
        let reply = self.term == nil ? done.reply : try Self.written(done.reply, by: function)
        return (try ReplyReader(reply, of: function), done.isReplicated ? .replicated : .stored)
    }

    /// Calls a function several times at once; the client pipelines the calls. Replies are in the order of the calls.
    func call(_ function: String, atOnce calls: [[RedisWord]]) async throws(StateError) -> [ReplyReader] {
        let outcomes = await withTaskGroup(of: (Int, Result<ReplyReader, StateError>).self) { group in
            for (place, arguments) in calls.enumerated() {
                group.addTask {
                    do throws(StateError) {
                        return (place, .success(try await self.call(function, arguments)))
                    } catch {
                        return (place, .failure(error))
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        var replies: [ReplyReader] = []
        for (_, outcome) in outcomes.sorted(by: { $0.0 < $1.0 }) { replies.append(try outcome.get()) }
        return replies
    }

    func send(_ words: [RedisWord]) async throws(StateError) -> RedisValue {
        do throws(RedisError) {
            return try await self.redis.send(words)
        } catch {
            throw StateError(error)
        }
    }

    private func failure(_ error: RedisError, of function: String) -> StateError {
        self.fullness?.failed(function, error)
        return StateError(error)
    }
}
