internal import Gateway
public import Registry

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// The time that loops live in: what it is now, for rules and for people, and how to wait.
///
/// Given to each loop, so that a test can hold it still and move it.
public struct LoopTime: Sendable {
    public var now: @Sendable () -> Instant
    public var wall: @Sendable () -> Timestamp
    /// Ends early with an error when the task is cancelled.
    public var sleep: @Sendable (Duration) async throws -> Void

    public init(
        now: @escaping @Sendable () -> Instant,
        wall: @escaping @Sendable () -> Timestamp,
        sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.now = now
        self.wall = wall
        self.sleep = sleep
    }

    public static let system = LoopTime(
        now: { MonotonicClock.now() },
        wall: { Timestamp(milliseconds: Self.millisecondsSince1970()) },
        sleep: { try await ContinuousClock().sleep(for: $0) }
    )

    private static func millisecondsSince1970() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
