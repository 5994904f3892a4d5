internal import Decisions
internal import Registry
internal import Synchronization

/// An instance's slow start after its breaker closed: the shell of `SlowStart`, three numbers that all loops share.
///
/// Picks touch it only while somebody of their pool comes back, without a lock.
struct Comeback: ~Copyable {
    /// Nanoseconds of the instant it began; zero: the instance takes its whole share.
    private let since = Atomic<Int64>(0)
    private let sum = Atomic<UInt64>(0)
    private let declined = Atomic<UInt64>(0)
    private let window: Duration

    /// A window of zero: instances come back at once.
    init(window: Duration) {
        self.window = window
    }

    var slowStart: SlowStart? {
        let since = self.since.load(ordering: .acquiring)
        return since == 0 ? nil : SlowStart(since: Instant(nanoseconds: since), window: self.window)
    }

    func begin(now: Instant) {
        guard self.window > .zero else { return }
        self.sum.store(0, ordering: .relaxed)
        self.since.store(max(1, now.nanoseconds), ordering: .releasing)
    }

    func end() { self.since.store(0, ordering: .releasing) }

    /// True once, when the window has passed.
    func endIfOver(now: Instant) -> Bool {
        guard let slowStart = self.slowStart, slowStart.isOver(now: now) else { return false }
        self.end()
        return true
    }

    /// Counts a turn of the instance. True: it takes it.
    func takesTurn(_ slowStart: SlowStart, now: Instant) -> Bool {
        let (before, after) = self.sum.wrappingAdd(slowStart.share(now: now), ordering: .relaxed)
        return SlowStart.takesTurn(before: before, after: after)
    }

    /// Numbers the turns that were declined, so that the others take turns at them.
    func nextDeclined() -> UInt64 { self.declined.wrappingAdd(1, ordering: .relaxed).oldValue }
}
