import Foundation

/// Random numbers that replay: a failing run shows its seed, and `SEED=` in the environment repeats that run alone.
public struct SeededRandom: RandomNumberGenerator, Sendable, CustomStringConvertible {
    public let seed: UInt64
    private var state: UInt64

    public init(seed: UInt64) {
        self.seed = seed
        self.state = seed
    }

    /// Fresh seeds, or the one that is to be replayed; for a test's `arguments:`.
    public static func runs(_ count: Int) -> [SeededRandom] {
        let asked = ProcessInfo.processInfo.environment["SEED"].flatMap { UInt64($0) }
        if let asked { return [SeededRandom(seed: asked)] }
        return (0..<count).map { _ in SeededRandom(seed: .random(in: 0...UInt64.max)) }
    }

    public var description: String { "SEED=\(self.seed)" }

    /// SplitMix64.
    public mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
