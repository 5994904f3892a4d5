/// How much of a pool breakers may take out: half of its members, rounded down, at least one.
///
/// Without it a fault on our own side (a broken route, an expired certificate) would eject everybody and turn a partial
/// failure into a total one. A pool of one may lose its only member: callers then hear so at once instead of waiting.
public struct EjectionBound: Hashable, Sendable {
    public var poolSize: Int
    /// Members whose breaker is open or half open, without the one that asks.
    public var ejected: Int

    public init(poolSize: Int, ejected: Int) {
        self.poolSize = poolSize
        self.ejected = ejected
    }

    public var allowsOneMore: Bool { Self.allows(ejected: self.ejected, poolSize: self.poolSize) }

    public static func allows(ejected: Int, poolSize: Int) -> Bool {
        ejected + 1 <= max(1, poolSize / 2)
    }
}
