/// How long to wait before connecting again: decorrelated jitter, so that replicas that lost their Redis together do
/// not come back together.
///
/// Each wait is drawn between the base and three times the wait before, up to a cap that depends on what went wrong: a
/// server that is full gets more time. Also one that refuses our password is asked soon again: it may be one that was
/// started without its configuration, and a cluster is to be whole within 5 s of its return.
struct ReconnectBackoff: Sendable, Equatable {
    private static let base = 50.0
    private var last = Self.base

    /// A usable connection was made.
    mutating func succeeded() {
        self.last = Self.base
    }

    /// An attempt failed; `random` lies from 0 up to but excluding 1.
    mutating func wait(after code: RedisError.Code, random: Double) -> Duration {
        let cap = Self.capMilliseconds(code)
        self.last = min(cap, Self.base + (max(Self.base, self.last * 3) - Self.base) * random)
        return .milliseconds(self.last)
    }

    private static func capMilliseconds(_ code: RedisError.Code) -> Double {
        switch code {
        case .noAuth, .noPermission, .unsupported, .invalidConfiguration, .tooManyClients: 3_000
        default: 2_000
        }
    }
}
