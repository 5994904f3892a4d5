public import ClusterState
public import Registry

/// The registry as a replica remembers it: every record with its stamp, and what was removed.
///
/// Of two versions of a record the one with the higher stamp is kept, so it does not matter in which order, or how
/// often, they arrive. A record that cannot be read takes its place here, for the digest and to be given back, while
/// the service keeps the last form that could be read.
public struct RegistryTable: Hashable, Sendable {
    /// Without the removed ones.
    public private(set) var records: [RecordKey: RegistryRecord] = [:]
    /// When what was removed was removed; the newest `tombstonesMax`.
    public private(set) var tombstones: [RecordKey: Epoch] = [:]
    public private(set) var digest = RegistryDigest()
    /// Sorted by id.
    public private(set) var services: [Service] = []
    public private(set) var pointers: [ModelType: ModelPointers] = [:]

    public static let tombstonesMax = 20_000

    public init() {}

    /// The stamp of what is known of a record, be it there or removed; zero when nothing is.
    public func stamp(of key: RecordKey) -> Epoch {
        self.records[key]?.stamp ?? self.tombstones[key] ?? .zero
    }

    /// Takes a record in unless something at least as new is known.
    public mutating func apply(_ record: RegistryRecord) {
        guard record.stamp > self.stamp(of: record.key) else { return }
        if let before = self.records.removeValue(forKey: record.key) { self.digest.remove(before.stamp) }
        self.tombstones.removeValue(forKey: record.key)
        if record.isRemoved {
            self.bury(record)
        } else {
            self.records[record.key] = record
            self.digest.add(record.stamp)
        }
        self.show(record)
    }

    /// Takes over, for the records that cannot be read, the form that an older table still has of them.
    public mutating func recall(from older: RegistryTable) {
        for (key, record) in self.records {
            guard case .unreadable = record.content, key.kind == .service, let id = ServiceID(key.id) else { continue }
            if let service = older.service(id) { self.replace(id, by: service) }
        }
    }

    /// Takes over what an older table of the same registry knows of removals; what is here again stays.
    public mutating func recallRemovals(from older: RegistryTable) {
        for (key, stamp) in older.tombstones where self.records[key] == nil && self.stamp(of: key) < stamp {
            self.apply(RegistryRecord(key: key, stamp: stamp, content: .removed))
        }
    }

    private func service(_ id: ServiceID) -> Service? {
        let place = self.place(of: id)
        return place < self.services.count && self.services[place].id == id ? self.services[place] : nil
    }

    private mutating func bury(_ record: RegistryRecord) {
        self.tombstones[record.key] = record.stamp
        guard self.tombstones.count > Self.tombstonesMax else { return }
        let newest = self.tombstones.sorted { $0.value > $1.value }.prefix(Self.tombstonesMax / 2)
        self.tombstones = Dictionary(uniqueKeysWithValues: newest.map { ($0.key, $0.value) })
    }

    /// Brings what the snapshot shows in line with the record.
    private mutating func show(_ record: RegistryRecord) {
        switch record.content {
        case .service(let service, _): self.replace(service.id, by: service)
        case .model(let type, let pointers, _): self.pointers[type] = pointers
        case .unreadable: break
        case .removed:
            switch record.key.kind {
            case .service: if let id = ServiceID(record.key.id) { self.replace(id, by: nil) }
            case .model: if let type = ModelType(record.key.id) { self.pointers[type] = nil }
            }
        }
    }

    /// Keeps `services` sorted at the cost of a search instead of a sort.
    private mutating func replace(_ id: ServiceID, by service: Service?) {
        let place = self.place(of: id)
        let isKnown = place < self.services.count && self.services[place].id == id
        self.services.replaceSubrange(place..<(isKnown ? place + 1 : place), with: service.map { [$0] } ?? [])
    }

    /// Where the service stands, or would.
    private func place(of id: ServiceID) -> Int {
        var (low, high) = (0, self.services.count)
        while low < high {
            let middle = (low + high) / 2
            if self.services[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
