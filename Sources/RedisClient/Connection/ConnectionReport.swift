import Logging

/// Says in the log what an operator acts on, once: lost, why it stays lost, back again.
///
/// Attempts that fail for the same reason are repeated at most once a minute.
struct ConnectionReport {
    private static let repeatInterval = Duration.seconds(60)

    private let address: RedisAddress
    private let logger: Logger
    private var last: (code: RedisError.Code, at: ContinuousClock.Instant)?

    init(address: RedisAddress, logger: Logger) {
        self.address = address
        self.logger = logger
    }

    mutating func connected() {
        self.last = nil
        self.logger.info("redis connected", metadata: ["mm.redis": "\(self.address)"])
    }

    mutating func lost(_ reason: RedisError, now: ContinuousClock.Instant) {
        if let last, last.code == reason.code, now - last.at < Self.repeatInterval { return }
        self.last = (reason.code, now)
        self.logger.warning(
            "redis not connected",
            metadata: ["mm.redis": "\(self.address)", "mm.reason": "\(reason)"]
        )
    }
}
