import Logging
import Synchronization

/// Writes into the log what an operator acts on: Redis is lost, or back. Shared by all connections to one Redis.
final class ConnectionReport: Sendable {
    private let address: RedisAddress
    private let logger: Logger
    private let news: Mutex<ConnectionNews>

    init(address: RedisAddress, logger: Logger, now: ContinuousClock.Instant) {
        self.address = address
        self.logger = logger
        self.news = Mutex(ConnectionNews(now: now))
    }

    func connected(to server: RedisAddress, _ warnings: [String]) {
        guard self.news.withLock({ $0.connected() }) else { return }
        self.logger.info("redis connected", metadata: ["mm.redis": "\(server)"])
        for warning in warnings {
            self.logger.warning("redis is set up unsafely", metadata: ["mm.reason": "\(warning)"])
        }
    }

    func lost(_ reason: RedisError, now: ContinuousClock.Instant) {
        guard self.news.withLock({ $0.lost(reason.code, now: now) }) else { return }
        self.logger.warning(
            "redis not connected",
            metadata: ["mm.redis": "\(self.address)", "mm.reason": "\(reason.code): \(reason.message)"]
        )
    }
}
