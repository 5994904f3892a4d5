internal import ClusterFunctions
public import RedisClient
internal import Registry

/// The shared truth, typed: one method per Redis Function, named after what it does to the registry.
///
/// A method returns when Redis has done what it says. It keeps nothing: what a replica knows lives in its snapshot,
/// which follows the log. Epochs passed as `floor` keep the cluster's epoch from going back when a Redis lost data and
/// its clock lags behind.
public final class ClusterState: Sendable {
    public let keys: Keys
    let redis: Redis
    /// Who the events name when the caller does not say.
    let actor: String

    /// - Parameters:
    ///   - redis: For short commands; its library must be `ClusterState.library`.
    ///   - namespace: `REDIS_KEY_PREFIX`.
    ///   - actor: This replica.
    public init(redis: Redis, namespace: String, actor: String = "replica") {
        self.keys = Keys(namespace: namespace)
        self.redis = redis
        self.actor = actor
    }

    /// The functions, to be given to `Redis`.
    public static let library = RedisLibrary(base: ClusterFunctions.libraryName, parts: ClusterFunctions.parts)

    func call(
        _ function: String,
        _ arguments: [RedisWord],
        within: Duration? = nil
    ) async throws(StateError) -> ReplyReader {
        let reply: RedisValue
        do throws(RedisError) {
            reply = try await self.redis.call(function, keys: [self.keys.prefix], arguments: arguments, within: within)
        } catch {
            throw StateError(error)
        }
        return try ReplyReader(reply, of: function)
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
}
