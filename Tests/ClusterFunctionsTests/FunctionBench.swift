import ClusterFunctions
import ManagerTesting
import RedisClient
import Testing

/// Calls the functions as any client would, by name and with plain texts, under a prefix of its own.
struct FunctionBench {
    let redis: Redis
    let prefix: String

    /// For a beat that is no older than its arrival.
    static let now = "9e15"

    /// With a manual clock the functions read the time from a key that the test sets, instead of Redis' clock.
    /// Edits change lines of the source, to see what breaks without them.
    static func run(
        isClockManual: Bool = false,
        edits: [(String, String)] = [],
        _ body: (FunctionBench) async throws -> Void
    ) async throws {
        let fixture = try await RedisFixture.shared()
        let prefix = "mm:{\(fixture.prefix())}:"
        let library = isClockManual ? try Self.libraryWithManualClock(prefix, edits) : Self.library
        try await fixture.withClient(library: library) { redis in
            try await body(FunctionBench(redis: redis, prefix: prefix))
        }
    }

    @discardableResult
    func call(_ function: String, _ arguments: String...) async throws -> [RedisValue] {
        try await self.call(function, arguments)
    }

    /// As `call`, with the reply as redis-cli would show it.
    func told(_ function: String, _ arguments: String...) async throws -> [String] {
        texts(try await self.call(function, arguments))
    }

    func toldOnRegistering(_ id: String, lease: String = "") async throws -> [String] {
        texts(try await self.register(id, lease: lease))
    }

    func call(_ function: String, _ arguments: [String]) async throws -> [RedisValue] {
        let reply = try await self.redis.call(
            function,
            keys: [self.prefix],
            arguments: arguments.map { RedisWord($0) }
        )
        return try #require(reply.array)
    }

    func send(_ words: String...) async throws -> RedisValue {
        try await self.redis.send(words.map { RedisWord($0) })
    }

    /// Sets the clock of a bench with a manual one. While up to 1.5 s pass, a replica reads the breakers as in life,
    /// which keeps the lease clock true; more is a step of the clock.
    func setClock(seconds: Int, microseconds: Int = 0) async throws {
        let clock = self.prefix + "clock"
        let stored = texts(try await self.send("HMGET", clock, "s", "us").array ?? []).compactMap { Int($0) }
        let (now, then) = (
            stored.count == 2 ? stored[0] * 1_000_000 + stored[1] : 0, seconds * 1_000_000 + microseconds
        )
        if (1...1_500_000).contains(then - now) {
            for time in stride(from: now + 400_000, to: then, by: 400_000) {
                _ = try await self.send("HSET", clock, "s", String(time / 1_000_000), "us", String(time % 1_000_000))
                try await self.call("breaker_read", "0")
            }
        }
        _ = try await self.send("HSET", clock, "s", String(then / 1_000_000), "us", String(then % 1_000_000))
    }

    @discardableResult
    func register(_ id: String, lease: String = "") async throws -> [RedisValue] {
        try await self.call(
            "service_register",
            id,
            "0",
            "",
            "test",
            "service_url",
            "http://h:1",
            "model_type",
            "LSTM",
            "lease",
            lease
        )
    }

    func meta(_ field: String) async throws -> String {
        try await self.send("HGET", self.prefix + "meta", field).string ?? ""
    }

    static let library = RedisLibrary(base: ClusterFunctions.libraryName, parts: ClusterFunctions.parts)

    private static func libraryWithManualClock(
        _ prefix: String,
        _ edits: [(String, String)]
    ) throws -> RedisLibrary {
        var source = ClusterFunctions.parts.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "\n")
        let clock = "redis.call('TIME')"
        for (line, edited) in [(clock, "redis.call('HMGET', '\(prefix)clock', 's', 'us')")] + edits {
            try #require(source.ranges(of: line).count == 1, "the library has one place that says \(line)")
            source = source.replacing(line, with: edited)
        }
        return RedisLibrary(base: ClusterFunctions.libraryName, parts: [Array(source.utf8)])
    }
}

/// Texts of a reply, as redis-cli would show them.
func texts(_ values: [RedisValue]) -> [String] {
    values.map { $0.string ?? $0.integer.map { String($0) } ?? "…" }
}
