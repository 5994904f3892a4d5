internal import Synchronization

/// How many requests are in flight at an instance from here and, where it has a limit, how many may be.
///
/// Both stand in one atomic word that all event loops share, so that no two loops can each take the last permit, and
/// whoever lowers the figure reads in the same step how many are in flight. An instance without a limit pays what
/// counting costs: one addition, one subtraction. The orderings are sequential because of `PermitQueue`: a request that
/// joins it and then looks at the gauge, and one that leaves the gauge and then looks at the queue, cannot miss each other.
/// Layout: in flight (24 bits), then held (38 bits), and bit 63 says that there is a limit.
struct PermitGauge: ~Copyable {
    /// What a request that ended leaves behind.
    enum Departure {
        /// There is no limit.
        case unlimited
        /// There was room before already.
        case roomy
        /// As many or more were in flight than may be: others may want to know.
        case full
    }

    private let word = Atomic<UInt64>(0)
    private static let limited: UInt64 = 1 << 63
    private static let countMask: UInt64 = (1 << 24) - 1
    private static let heldMax: UInt64 = (1 << 38) - 1

    @inline(__always)
    var inFlight: Int { Int(self.word.load(ordering: .relaxed) & Self.countMask) }

    /// How many may be in flight; nil: no limit.
    var held: Int? {
        let word = self.word.load(ordering: .relaxed)
        return word & Self.limited == 0 ? nil : Self.held(word)
    }

    @inline(__always)
    var isLimited: Bool { self.word.load(ordering: .relaxed) & Self.limited != 0 }

    /// A request wants to go there. False: it may not now.
    @inline(__always)
    func enter() -> Bool {
        guard self.isLimited else {
            self.word.wrappingAdd(1, ordering: .relaxed)
            return true
        }
        return self.enterLimited()
    }

    private func enterLimited() -> Bool {
        var seen = self.word.load(ordering: .sequentiallyConsistent)
        while seen & Self.limited == 0 || Int(seen & Self.countMask) < Self.held(seen) {
            let (done, now) = self.word.weakCompareExchange(
                expected: seen,
                desired: seen + 1,
                ordering: .sequentiallyConsistent
            )
            if done { return true }
            seen = now
        }
        return false
    }

    /// A request that had entered has ended.
    @inline(__always)
    func leave() -> Departure {
        let old = self.word.wrappingSubtract(1, ordering: .sequentiallyConsistent).oldValue
        guard old & Self.limited != 0 else { return .unlimited }
        return Int(old & Self.countMask) >= Self.held(old) ? .full : .roomy
    }

    /// From now on so many may be in flight. Returns how many are, read in the same step; ignored without a limit.
    func setHeld(_ held: Int) -> Int {
        let old = self.change { $0 & Self.limited == 0 ? $0 : Self.limited | Self.bits(held) | ($0 & Self.countMask) }
        return Int(old & Self.countMask)
    }

    /// There is a limit from now on, or none. With a new limit nothing is held, unless `held` says so.
    func setLimited(_ isLimited: Bool, held: Int? = nil) {
        _ = self.change { word in
            guard isLimited else { return word & Self.countMask }
            let keeps = word & Self.limited != 0 && held == nil
            return Self.limited | (keeps ? Self.bits(Self.held(word)) : Self.bits(held ?? 0)) | (word & Self.countMask)
        }
    }

    /// Returns the word before.
    private func change(_ body: (UInt64) -> UInt64) -> UInt64 {
        var seen = self.word.load(ordering: .relaxed)
        while true {
            let (done, now) = self.word.compareExchange(
                expected: seen,
                desired: body(seen),
                ordering: .sequentiallyConsistent
            )
            if done { return seen }
            seen = now
        }
    }

    @inline(__always)
    private static func held(_ word: UInt64) -> Int { Int((word >> 24) & Self.heldMax) }

    private static func bits(_ held: Int) -> UInt64 { min(UInt64(max(0, held)), Self.heldMax) << 24 }
}
