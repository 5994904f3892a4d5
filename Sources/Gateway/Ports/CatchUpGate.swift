public import Registry
internal import Synchronization

/// Holds new requests back while this replica does not know what it missed.
///
/// A replica that was paused wakes up with the registry of yesterday and does not notice. What it does know is until when
/// the others waited for it: a change that must be used everywhere before it counts (`switch`) waits for each replica or
/// for the end of its lease. So a request may begin until the lease ends, and after that only when the replica has caught
/// up. It costs the request path one load and one comparison with a clock that was read anyway.
///
/// The hard case is a replica that cannot catch up because it is cut off: after `catchUpWaitMax` it goes on with what it has,
/// and says so in every answer (`x-mm-stale`).
public final class CatchUpGate: Sendable {
    /// Nanoseconds of the instant from which on requests wait; `.max`: they never do.
    private let serveUntil = Atomic<Int64>(.max)

    init() {}

    /// Requests that begin earlier need not wait. Nil: none does.
    public func serve(until instant: Instant?) {
        self.serveUntil.store(instant?.nanoseconds ?? .max, ordering: .releasing)
    }

    /// Whether nobody will be held, because a request waited too long and the replica goes on with what it has; true
    /// also before the first lease.
    public var isOpen: Bool { self.serveUntil.load(ordering: .relaxed) == .max }

    @inline(__always)
    func holds(_ now: Instant) -> Bool {
        now.nanoseconds >= self.serveUntil.load(ordering: .acquiring)
    }
}
