public import RedisClient
public import Registry

/// Waits for changes of the registry on a connection of its own, because a waiting read holds up what comes after it.
///
/// Only a hint in the end: after data was lost the log may stand below the reader's epoch and stay silent for ever.
/// That is why a follower compares digests as well.
public final class ChangeFeed: Sendable {
    private let redis: Redis
    private let keys: Keys

    /// The `redis` must have been made with `purpose: .blockingReads`.
    public init(redis: Redis, namespace: String) {
        self.redis = redis
        self.keys = Keys(namespace: namespace)
    }

    /// The changes after the epoch, at most 256 at once; none when nothing happened for so long.
    public func entries(after epoch: Epoch, within wait: Duration) async throws(StateError) -> [LogEntry] {
        let milliseconds = RedisWord(wait.inNanoseconds / 1_000_000)
        let words: [RedisWord] = ["XREAD", "COUNT", "256", "BLOCK", milliseconds, "STREAMS"]
        let place = [RedisWord(self.keys.log), RedisWord("\(epoch)-0")]
        do throws(RedisError) {
            let value = try await self.redis.send(words + place, within: wait + Self.grace)
            let stream = value.array?.first?.array
            return (stream?.last?.array ?? []).compactMap { LogEntry($0) }
        } catch {
            throw StateError(error)
        }
    }

    /// A live Redis answers a blocked read within this time after the wait.
    private static let grace = Duration.seconds(1)
}
