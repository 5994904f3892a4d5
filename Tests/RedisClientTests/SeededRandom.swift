import Glibc

/// A generator whose run can be replayed: `SEED=` in the environment, else a new seed, printed (SplitMix64).
struct SeededRandom: RandomNumberGenerator {
    let seed: UInt64
    private var state: UInt64

    static func announced(_ test: String = #function) -> SeededRandom {
        let wanted = getenv("SEED").flatMap { UInt64(String(cString: $0)) }
        let seed = wanted ?? .random(in: 0 ... .max)
        print("\(test): SEED=\(seed)")
        return SeededRandom(seed: seed)
    }

    init(seed: UInt64) {
        self.seed = seed
        self.state = seed
    }

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
