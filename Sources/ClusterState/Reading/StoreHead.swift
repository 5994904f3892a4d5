public import Registry

/// Names one data set in Redis. A set that was emptied, or another Redis, has another generation.
public struct Generation: Hashable, Sendable, CustomStringConvertible {
    public let text: String
    public var description: String { self.text }

    public init(_ text: String) {
        self.text = text
    }

    /// Of a replica that has seen none yet.
    public static let none = Generation("")
}

/// Where the store stands: what a replica compares itself with.
public struct StoreHead: Hashable, Sendable {
    public var generation: Generation
    /// The generation that this one was begun as heir of, by a replica that knew it; `.none` when it was not.
    public var parent: Generation
    /// When the generation began, on Redis' clock.
    public var born: Timestamp
    /// Of the last change.
    public var epoch: Epoch
    public var digest: RegistryDigest
    /// Redis' clock when it answered.
    public var time: Timestamp

    public init(
        generation: Generation,
        parent: Generation,
        born: Timestamp,
        epoch: Epoch,
        digest: RegistryDigest,
        time: Timestamp
    ) {
        self.generation = generation
        self.parent = parent
        self.born = born
        self.epoch = epoch
        self.digest = digest
        self.time = time
    }
}
