public import Registry

/// What the lease clock showed when Redis last told it: lets a replica say at what time of that clock it sends something.
///
/// Redis counts a lease from that time, so that a message which arrives late does not prolong it. The reading counts
/// from when the answer came, which is later than when Redis read its clock: what it says is never ahead of the lease
/// clock, except when that stood still for want of callers, and Redis believes no time that is still to come.
public struct LeaseClockReading: Hashable, Sendable {
    public let milliseconds: Int64
    private let at: Instant

    public init(milliseconds: Int64, at: Instant) {
        self.milliseconds = milliseconds
        self.at = at
    }

    /// Milliseconds on the lease clock now, or a little earlier.
    public func estimate(now: Instant) -> Int64 {
        self.milliseconds + (now - self.at).inNanoseconds / 1_000_000
    }

    /// How long ago the answer came.
    public func age(now: Instant) -> Duration { now - self.at }
}
