import NIOCore

/// The moments at which longer waits of control loops end: every tenth of a second of this replica's own count.
///
/// A dozen loops that each wait for 200 ms, 250 ms or a second woke the thread 60 times a second, each time for nearly
/// nothing; together they wake it ten times. A wait ends late by a tenth of a second at most, never early. Short ones are
/// exact: somebody waits for what follows them. Replicas count from moments of their own, so that they do not all ask
/// Redis at once.
struct WakeGrid: Hashable, Sendable {
    static let interval = TimeAmount.milliseconds(100)
    /// Shorter waits are exact.
    static let roughMin = TimeAmount.milliseconds(150)

    let phase: TimeAmount

    static func random() -> WakeGrid {
        WakeGrid(phase: .nanoseconds(.random(in: 0..<Self.interval.nanoseconds)))
    }

    func end(of wait: Duration, from now: NIODeadline) -> NIODeadline {
        let end = now + TimeAmount(wait)
        guard TimeAmount(wait) >= Self.roughMin else { return end }
        let interval = UInt64(Self.interval.nanoseconds)
        let over = (end.uptimeNanoseconds + interval - UInt64(self.phase.nanoseconds)) % interval
        return over == 0 ? end : end + .nanoseconds(Int64(interval - over))
    }
}
