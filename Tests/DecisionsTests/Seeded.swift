import Foundation
import Testing

/// Random bits that replay: a run prints its seed when it fails, and `SEED=` in the environment repeats that run alone.
struct Seeded: RandomNumberGenerator, CustomTestStringConvertible {
    let seed: UInt64
    private var state: UInt64

    init(_ seed: UInt64) {
        self.seed = seed
        self.state = seed
    }

    /// Fresh seeds, or the one that is to be replayed.
    static func runs(_ count: Int) -> [Seeded] {
        if let text = ProcessInfo.processInfo.environment["SEED"], let seed = UInt64(text) { return [Seeded(seed)] }
        return (0..<count).map { _ in Seeded(.random(in: 0...UInt64.max)) }
    }

    var testDescription: String { "SEED=\(self.seed)" }

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
