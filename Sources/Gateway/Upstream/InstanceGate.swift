internal import Decisions
internal import Registry
internal import Synchronization

/// What the request path must know of an instance before it sends anything there, in one atomic word.
///
/// The word mirrors three judges: the operator (draining), the probes (verdict) and live traffic (the breaker, whose
/// machine stands behind the lock). Loops read the word without a lock; whoever changes it raises the board's
/// generation afterwards, so that loops rebuild what they derived from it.
final class InstanceGate: Sendable {
    private let word: Atomic<UInt64>
    private let machine: Mutex<SharedBreaker>

    init(policy: BreakerPolicy, seed: UInt64) {
        self.word = Atomic(Word().raw)
        self.machine = Mutex(SharedBreaker(policy: policy, seed: seed))
    }

    @inline(__always)
    var facts: Eligibility.Facts {
        let word = Word(raw: self.word.load(ordering: .acquiring))
        return Eligibility.Facts(verdict: word.verdict, breaker: word.phase, isDraining: word.isDraining)
    }

    /// `SharedBreaker.generation`, to be handed back with the outcome of what is admitted now.
    @inline(__always)
    var generation: Int { Word(raw: self.word.load(ordering: .relaxed)).generation }

    var breaker: SharedBreaker { self.machine.withLock { $0 } }

    /// True when that changed anything.
    func setVerdict(_ verdict: Verdict) -> Bool { self.change { $0.verdict = verdict } }

    func setDraining(_ isDraining: Bool) -> Bool { self.change { $0.isDraining = isDraining } }

    /// Runs the machine and mirrors what became of it.
    func withBreaker<Result>(_ body: (inout SharedBreaker) -> Result) -> Result {
        self.machine.withLock { machine in
            let result = body(&machine)
            _ = self.change {
                $0.phase = machine.phase
                $0.generation = machine.generation
            }
            return result
        }
    }

    private func change(_ body: (inout Word) -> Void) -> Bool {
        var old = self.word.load(ordering: .relaxed)
        while true {
            var word = Word(raw: old)
            body(&word)
            guard word.raw != old else { return false }
            let (done, seen) = self.word.compareExchange(
                expected: old,
                desired: word.raw,
                ordering: .acquiringAndReleasing
            )
            if done { return true }
            old = seen
        }
    }

    /// The layout of the word: verdict (2 bits), phase (2), draining (1), three spare, then the breaker's generation.
    private struct Word {
        var raw: UInt64 = 0

        var verdict: Verdict {
            get {
                switch self.raw & 3 {
                case 0: .unknown
                case 1: .healthy
                default: .unhealthy
                }
            }
            set {
                let bits: UInt64 =
                    switch newValue {
                    case .unknown: 0
                    case .healthy: 1
                    case .unhealthy: 2
                    }
                self.raw = self.raw & ~3 | bits
            }
        }

        var phase: BreakerPhase {
            get {
                switch (self.raw >> 2) & 3 {
                case 0: .closed
                case 1: .open
                default: .halfOpen
                }
            }
            set {
                let bits: UInt64 =
                    switch newValue {
                    case .closed: 0
                    case .open: 1
                    case .halfOpen: 2
                    }
                self.raw = self.raw & ~(3 << 2) | bits << 2
            }
        }

        var isDraining: Bool {
            get { self.raw & 16 != 0 }
            set { self.raw = self.raw & ~16 | (newValue ? 16 : 0) }
        }

        var generation: Int {
            get { Int(self.raw >> 8) }
            set { self.raw = self.raw & 0xFF | UInt64(newValue) << 8 }
        }
    }
}
