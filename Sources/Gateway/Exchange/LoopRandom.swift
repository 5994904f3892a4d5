/// Random numbers for balancing and for trace ids, one generator per event loop: three shifts, no lock, no system call.
/// Not for secrets (xorshift64*, Vigna 2016).
struct LoopRandom {
    private var state: UInt64

    init(seed: UInt64) {
        self.state = seed | 1
    }

    @inline(__always)
    mutating func next() -> UInt64 {
        self.state ^= self.state >> 12
        self.state ^= self.state << 25
        self.state ^= self.state >> 27
        return self.state &* 0x2545_F491_4F6C_DD1D
    }
}
