import NIOCore
public import RedisClient

extension ChaosProxy {
    /// Starts before a test's Redis.
    public static func start(before fixture: RedisFixture, gate: (any ChaosGate)? = nil) async throws -> ChaosProxy {
        try await self.start(to: SocketAddress(unixDomainSocketPath: "\(fixture.directory)/redis.sock"), gate: gate)
    }

    /// New connections lead to another Redis, and those that are open end: a failover as a caller sees it.
    public func failOver(to fixture: RedisFixture) throws {
        self.redirect(to: try SocketAddress(unixDomainSocketPath: "\(fixture.directory)/redis.sock"))
        self.cut()
    }

    public var redisURL: String { "redis://127.0.0.1:\(self.port)" }

    public var redisConfiguration: RedisConfiguration {
        RedisConfiguration(address: .tcp(host: "127.0.0.1", port: self.port))
    }
}
