public import Logging
import NIOPosix
public import RedisClient

extension RedisFixture {
    /// A client of this server, patient with a machine under load; it connects when it is run.
    public func client(
        library: RedisLibrary? = nil,
        purpose: Redis.Purpose = .commands,
        logger: Logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
        configure: (inout RedisConfiguration) -> Void = { _ in }
    ) -> Redis {
        var configuration = self.configuration
        configuration.commandTimeout = .seconds(20)
        configuration.connectTimeout = .seconds(20)
        configure(&configuration)
        return Redis(
            configuration: configuration,
            group: MultiThreadedEventLoopGroup.singleton,
            logger: logger,
            library: library,
            purpose: purpose
        )
    }

    /// Runs a client of this server for as long as `body` takes, connected when it begins.
    @discardableResult
    public func withClient<Result: Sendable>(
        library: RedisLibrary? = nil,
        purpose: Redis.Purpose = .commands,
        configure: (inout RedisConfiguration) -> Void = { _ in },
        _ body: (Redis) async throws -> Result
    ) async throws -> Result {
        let redis = self.client(library: library, purpose: purpose, configure: configure)
        return try await redis.whileRunning { redis in
            try await redis.waitConnected(within: .seconds(60))
            return try await body(redis)
        }
    }
}

extension Redis {
    /// Keeps `run()` going for as long as `body` takes.
    @discardableResult
    public func whileRunning<Result: Sendable>(_ body: (Redis) async throws -> Result) async throws -> Result {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.run() }
            defer { group.cancelAll() }
            return try await body(self)
        }
    }
}
