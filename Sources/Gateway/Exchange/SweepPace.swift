internal import NIOCore

/// How soon an event loop sweeps again: closely while anything is under way, seldom when nothing is.
///
/// A sweep over nothing still wakes a thread, which costs more than the sweep. The hard case is what begins while the loop
/// rests: it must be looked after as closely as ever from then on, so the loop is told to set its next sweep anew. What
/// begins within a sweep needs no word: the next sweep is set when that one ends.
struct SweepPace: Hashable, Sendable {
    /// Deadlines are noticed this late at most.
    static let busy = TimeAmount.milliseconds(50)
    static let rest = TimeAmount.milliseconds(250)
    /// Good answers are told every second sweep, so two quiet ones leave nothing to tell.
    static let quietSweepsMin = 2

    private var quietSweeps = 0
    private var isResting = false

    /// A sweep begins.
    mutating func woke() { self.isResting = false }

    /// Something began. True: the next sweep is too far away.
    @inline(__always)
    mutating func mustHurry() -> Bool {
        guard self.isResting else { return false }
        self = SweepPace()
        return true
    }

    /// A sweep has ended; when the next one is due. Busy: something was or is under way that a deadline may end.
    mutating func swept(isBusy: Bool) -> TimeAmount {
        self.quietSweeps = isBusy ? 0 : min(self.quietSweeps + 1, Self.quietSweepsMin)
        self.isResting = self.quietSweeps == Self.quietSweepsMin
        return self.isResting ? Self.rest : Self.busy
    }
}
