public import Registry

/// How many records there are and the sum of their stamps: equal digests mean, in practice, equal registries.
///
/// The sum is kept modulo 2^52 so that Lua's doubles carry it exactly.
public struct RegistryDigest: Hashable, Sendable {
    public private(set) var count: Int
    public private(set) var sum: Int64

    private static let modulus: Int64 = 1 << 52

    public init(count: Int = 0, sum: Int64 = 0) {
        self.count = count
        self.sum = sum
    }

    public mutating func add(_ stamp: Epoch) {
        self.count += 1
        self.sum = (self.sum + stamp.rawValue) % Self.modulus
    }

    public mutating func remove(_ stamp: Epoch) {
        self.count -= 1
        self.sum = ((self.sum - stamp.rawValue) % Self.modulus + Self.modulus) % Self.modulus
    }
}
