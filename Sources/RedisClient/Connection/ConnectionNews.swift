/// Decides which changes of the connections to one Redis are news: lost, why it stays lost, back again; each once,
/// however many connections a replica has.
///
/// The same reason is told again after a minute. At the start a server that needs a moment, as a private one does, is
/// no news: the first attempts may fail in silence. The hard case is one connection that breaks while the others stay:
/// that is told, and so is its return.
struct ConnectionNews: Sendable, Equatable {
    private static let repeatInterval = Duration.seconds(60)
    private static let startGrace = Duration.seconds(1)

    private let silentUntil: ContinuousClock.Instant
    private var wasConnected = false
    private var saidConnected = false
    private var last: Loss?

    private struct Loss: Equatable {
        var code: RedisError.Code
        var at: ContinuousClock.Instant
    }

    init(now: ContinuousClock.Instant) {
        self.silentUntil = now + Self.startGrace
    }

    /// A connection is there. True when that is to be told.
    mutating func connected() -> Bool {
        defer { (self.last, self.wasConnected, self.saidConnected) = (nil, true, true) }
        return !self.saidConnected
    }

    /// A connection was lost, or could not be made. True when that is to be told.
    mutating func lost(_ code: RedisError.Code, now: ContinuousClock.Instant) -> Bool {
        if !self.wasConnected, now < self.silentUntil { return false }
        if let last, last.code == code, now - last.at < Self.repeatInterval { return false }
        self.last = Loss(code: code, at: now)
        self.saidConnected = false
        return true
    }
}
