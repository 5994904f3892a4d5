internal import Registry
internal import Synchronization

/// Switches of the whole data plane that every loop reads for every answer.
final class PlaneCommon: Sendable {
    /// Nanoseconds of the instant Redis was last heard from; `.max` while it is in touch.
    private let staleSince = Atomic<Int64>(.max)
    private let draining = Atomic<Bool>(false)
    let gate = CatchUpGate()
    let translations = TranslationWorkers()

    @inline(__always)
    var isDraining: Bool { self.draining.load(ordering: .relaxed) }

    func drain() { self.draining.store(true, ordering: .relaxed) }

    func setStale(since: Instant?) {
        self.staleSince.store(since?.nanoseconds ?? .max, ordering: .relaxed)
    }

    @inline(__always)
    var isStale: Bool { self.staleSince.load(ordering: .relaxed) != .max }

    /// Whole seconds since Redis was heard from; nil while it is in touch.
    @inline(__always)
    func staleSeconds(now: Instant) -> Int? {
        let since = self.staleSince.load(ordering: .relaxed)
        guard since != .max else { return nil }
        return Int(max(0, now.nanoseconds - since) / 1_000_000_000)
    }
}
