public import Registry

/// How far a reading of the whole registry has come: services first, then models, each by rising stamp.
public struct PageCursor: Hashable, Sendable {
    public var kind: RecordKey.Kind
    /// Of the last record read.
    public var stamp: Epoch
    public var id: String

    public init(kind: RecordKey.Kind, stamp: Epoch, id: String) {
        self.kind = kind
        self.stamp = stamp
        self.id = id
    }

    public static let start = PageCursor(kind: .service, stamp: .zero, id: "")
}

/// A bounded part of the whole registry.
public struct RegistryPage: Hashable, Sendable {
    public var generation: Generation
    /// Of the last change when this page was read.
    public var epoch: Epoch
    public var records: [RegistryRecord]
    /// Nil when this was the last one.
    public var next: PageCursor?

    public init(generation: Generation, epoch: Epoch, records: [RegistryRecord], next: PageCursor?) {
        self.generation = generation
        self.epoch = epoch
        self.records = records
        self.next = next
    }
}
