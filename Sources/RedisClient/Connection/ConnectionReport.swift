import Logging

/// Says in the log what an operator acts on, once: lost, why it stays lost, back again.
///
/// Attempts that fail for the same reason are repeated at most once a minute. At the start a server that needs a
/// moment, as a private one does, is no news: the first attempts may fail in silence.
struct ConnectionReport {
    private static let repeatInterval = Duration.seconds(60)
    private static let startGrace = Duration.seconds(1)

    private let address: RedisAddress
    private let logger: Logger
    private let silentUntil: ContinuousClock.Instant
    private var wasConnected = false
    private var last: (code: RedisError.Code, at: ContinuousClock.Instant)?

    init(address: RedisAddress, logger: Logger, now: ContinuousClock.Instant) {
        self.address = address
        self.logger = logger
        self.silentUntil = now + Self.startGrace
    }

    mutating func connected(to server: RedisAddress, _ warnings: [String]) {
        self.last = nil
        self.wasConnected = true
        self.logger.info("redis connected", metadata: ["mm.redis": "\(server)"])
        for warning in warnings {
            self.logger.warning("redis is set up unsafely", metadata: ["mm.reason": "\(warning)"])
        }
    }

    mutating func lost(_ reason: RedisError, now: ContinuousClock.Instant) {
        if !self.wasConnected, now < self.silentUntil { return }
        if let last, last.code == reason.code, now - last.at < Self.repeatInterval { return }
        self.last = (reason.code, now)
        self.logger.warning(
            "redis not connected",
            metadata: ["mm.redis": "\(self.address)", "mm.reason": "\(reason)"]
        )
    }
}
