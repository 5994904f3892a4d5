internal import ClusterState
internal import Registry

/// A reading of the whole registry while it is under way: what was there before it began, and what was read so far.
struct FullRead: Hashable, Sendable {
    /// Where the store stood before the first page. The log after this epoch tells what the pages missed.
    let head: StoreHead
    /// Whether the store lost changes, or is another data set: then it may not know of removals either.
    let isStoreYounger: Bool
    /// Whether this replica may give back what it remembers; otherwise the store is right whatever it holds.
    let mayRestore: Bool
    /// What was read.
    var table = RegistryTable()

    /// What this replica knows better than the store: to be given back.
    func missing(from memory: RegistryTable) -> [RegistryRecord] {
        guard self.mayRestore else { return [] }
        let records = memory.records.values.filter { $0.stamp > self.table.stamp(of: $0.key) }
        let removed = memory.tombstones.filter { key, stamp in
            guard let stored = self.table.records[key] else { return self.isStoreYounger }
            return stamp > stored.stamp
        }
        let tombstones = removed.map { RegistryRecord(key: $0.key, stamp: $0.value, content: .removed) }
        return (records + tombstones).sorted { $0.stamp < $1.stamp }
    }
}
