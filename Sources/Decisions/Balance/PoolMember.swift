public import Registry

/// What balancing knows of one instance of a pool. Its index in the pool is its name everywhere in this room.
public struct PoolMember: Hashable, Sendable {
    /// Share under the weighted strategies, at least 1.
    public var weight: Int
    /// The same on every replica; places the instance for consistent hashing.
    public var hash: UInt64

    public init(weight: Int, hash: UInt64) {
        precondition(weight >= 1, "a weight of \(weight) would leave a member without a share")
        self.weight = weight
        self.hash = hash
    }

    public init(weight: Int, key: InstanceKey) {
        self.init(weight: weight, hash: StableHash.of(key.description))
    }
}
