public import RedisClient
internal import Registry

/// Waits for signals on a connection of its own, because a waiting read holds up what comes after it.
///
/// It begins with what comes after the first reading. The hard case is a Redis that lost its data: signals may begin
/// anew below the reader's place and would be silent for ever, so a reading that found nothing looks where the end is.
public final class SignalFeed: Sendable {
    private let redis: Redis
    private let keys: Keys

    /// Wants a `Redis` made with `purpose: .blockingReads`.
    public init(redis: Redis, namespace: String) {
        self.redis = redis
        self.keys = Keys(namespace: namespace)
    }

    /// Where a reader stands.
    public struct Place: Hashable, Sendable {
        let id: String

        init(_ id: String) {
            self.id = id
        }
    }

    /// After the latest signal.
    public func end() async throws(StateError) -> Place {
        let words: [RedisWord] = ["XREVRANGE", RedisWord(self.keys.signals), "+", "-", "COUNT", "1"]
        let newest = try await self.send(words, within: Self.grace).array?.first?.array?.first?.string
        return Place(newest ?? "0-0")
    }

    /// What was read, and the place after it.
    public struct Reading: Hashable, Sendable {
        public let signals: [ClusterSignal]
        public let place: Place
    }

    /// The signals after the place; none when nothing happened for so long.
    public func signals(after place: Place, within wait: Duration) async throws(StateError) -> Reading {
        let milliseconds = RedisWord(wait.inNanoseconds / 1_000_000)
        let words: [RedisWord] = ["XREAD", "COUNT", "256", "BLOCK", milliseconds, "STREAMS"]
        let stream = [RedisWord(self.keys.signals), RedisWord(place.id)]
        let value = try await self.send(words + stream, within: wait + Self.grace)
        let entries = value.array?.first?.array?.last?.array ?? []
        let signals = entries.compactMap { ClusterSignal($0) }
        if let last = entries.last?.array?.first?.string { return Reading(signals: signals, place: Place(last)) }
        return Reading(signals: signals, place: Self.lower(place, try await self.end()))
    }

    /// A live Redis answers a blocked read within this time after the wait.
    private static let grace = Duration.seconds(1)

    private func send(_ words: [RedisWord], within: Duration) async throws(StateError) -> RedisValue {
        do throws(RedisError) {
            return try await self.redis.send(words, within: within)
        } catch {
            throw StateError(error)
        }
    }

    private static func lower(_ left: Place, _ right: Place) -> Place {
        func parts(_ place: Place) -> [Int64] { place.id.split(separator: "-").map { Int64($0) ?? 0 } }
        return parts(left).lexicographicallyPrecedes(parts(right)) ? left : right
    }
}
