import RedisClient

/// The error that a call to Redis ends with; nil when it succeeds.
func failure(_ call: () async throws -> RedisValue) async -> RedisError? {
    do {
        _ = try await call()
        return nil
    } catch {
        return error as? RedisError
    }
}

extension RedisState {
    /// Why there is no connection; nil when there is one.
    var reason: RedisError? {
        guard case .disconnected(_, let reason) = self else { return nil }
        return reason
    }
}
