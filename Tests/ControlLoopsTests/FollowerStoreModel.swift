import ClusterState
import Registry

/// What the Redis Functions do, in memory: the store of a simulation, which can be cut, trimmed, wiped and rolled back.
///
/// `FollowerTests` runs followers against the real functions; this model exists to run thousands of histories.
struct FollowerStoreModel {
    private struct Data {
        var generation: Generation
        var parent: Generation
        var born: Timestamp
        var epoch = Epoch.zero
        var table: [RecordKey: RegistryRecord] = [:]
        var tombstones: [RecordKey: Epoch] = [:]
        var digest = RegistryDigest()
        var log: [LogEntry] = []
    }

    private var data: Data?
    private var backup: Data?
    private var generationsEver = 0
    /// Microseconds on the store's wall clock.
    var clock: Int64 = 1_000_000
    /// Takes the mechanism out: what replicas give back is not taken.
    var refusesRestoring = false

    var records: [RecordKey: RegistryRecord] { self.data?.table ?? [:] }
    var isEmpty: Bool { self.data == nil }

    // MARK: Faults

    /// Losing data takes time: otherwise a change before and another one after could bear the same stamp, and nobody
    /// could tell which is newer.
    private static let faultMicroseconds: Int64 = 1000

    mutating func wipe() {
        self.clock += Self.faultMicroseconds
        self.data = nil
        self.backup = nil
    }

    mutating func trim(keeping count: Int) {
        let log = self.data?.log ?? []
        self.data?.log = Array(log.suffix(count))
    }

    mutating func backUp() { self.backup = self.data }

    /// A fail-over to a replica that had not got the latest writes.
    mutating func rollBack() {
        self.clock += Self.faultMicroseconds
        if let backup { self.data = backup }
    }

    // MARK: Functions

    mutating func open(heirOf parent: Generation) {
        guard self.data == nil else { return }
        self.generationsEver += 1
        let generation = Generation("g\(self.generationsEver)")
        self.data = Data(generation: generation, parent: parent, born: Timestamp(milliseconds: self.clock / 1000))
    }

    /// Registers (or removes) something; returns the entry as the writer gets it.
    mutating func write(_ key: RecordKey, _ fields: [String: String], floor: Epoch) -> LogEntry {
        self.open(heirOf: .none)
        let epoch = self.nextEpoch(floor)
        var fields = fields
        if !fields.isEmpty { fields["epoch"] = epoch.description }
        return self.commit(Self.record(key, epoch, fields), epoch)
    }

    mutating func restore(_ record: RegistryRecord, generation: Generation, floor: Epoch) -> Restoration {
        guard let data, data.generation == generation else { return .foreign }
        if self.refusesRestoring { return .newer }
        let stored = data.table[record.key]?.stamp ?? .zero
        let newest = max(stored, data.tombstones[record.key] ?? .zero)
        if newest == record.stamp { return .same }
        if newest > record.stamp { return .newer }
        _ = self.commit(record, self.nextEpoch(max(floor, record.stamp)))
        return .restored
    }

    func sync(generation: Generation, since epoch: Epoch) -> SyncReply {
        guard let data else { return .empty }
        let head = self.head(data)
        guard generation == data.generation else { return .full(head) }
        if epoch == data.epoch { return .unchanged(head) }
        if epoch > .zero, epoch < data.epoch, let place = data.log.firstIndex(where: { $0.epoch == epoch }) {
            return .delta(head, Array(data.log[(place + 1)...].prefix(7)))
        }
        let isGone = epoch > data.epoch || (data.log.first.map { $0.epoch < epoch } ?? false)
        return epoch > .zero && isGone ? .lost(head) : .full(head)
    }

    func page(_ cursor: PageCursor) -> RegistryPage? {
        guard let data else { return nil }
        let place = (cursor.stamp, cursor.id)
        let later = data.table.values
            .filter { $0.key.kind == cursor.kind && ($0.stamp, $0.key.id) > place }
            .sorted { ($0.stamp, $0.key.id) < ($1.stamp, $1.key.id) }
        let records = Array(later.prefix(5))
        var next: PageCursor?
        if later.count > records.count, let last = records.last {
            next = PageCursor(kind: cursor.kind, stamp: last.stamp, id: last.key.id)
        } else if cursor.kind == .service {
            next = PageCursor(kind: .model, stamp: .zero, id: "")
        }
        return RegistryPage(generation: data.generation, epoch: data.epoch, records: records, next: next)
    }

    mutating func recount() {
        let digest = self.records.values.reduce(into: RegistryDigest()) { $0.add($1.stamp) }
        self.data?.digest = digest
    }

    /// What a waiting read of the log returns.
    func log(after epoch: Epoch) -> [LogEntry] {
        (self.data?.log ?? []).filter { $0.epoch > epoch }
    }

    private func nextEpoch(_ floor: Epoch) -> Epoch {
        let last = max(self.data?.epoch ?? .zero, floor)
        return Epoch(max(last.rawValue + 1, self.clock))
    }

    private mutating func commit(_ record: RegistryRecord, _ epoch: Epoch) -> LogEntry {
        guard var data = self.data else { preconditionFailure("nothing is committed to no data set") }
        let entry = LogEntry(epoch: epoch, previous: data.epoch, record: record)
        if let before = data.table.removeValue(forKey: record.key) { data.digest.remove(before.stamp) }
        data.tombstones[record.key] = record.isRemoved ? record.stamp : nil
        if !record.isRemoved {
            data.table[record.key] = record
            data.digest.add(record.stamp)
        }
        data.epoch = epoch
        data.log.append(entry)
        self.data = data
        return entry
    }

    private func head(_ data: Data) -> StoreHead {
        StoreHead(
            generation: data.generation,
            parent: data.parent,
            born: data.born,
            epoch: data.epoch,
            digest: data.digest,
            time: Timestamp(milliseconds: self.clock / 1000)
        )
    }

    static func record(_ key: RecordKey, _ stamp: Epoch, _ fields: [String: String]) -> RegistryRecord {
        fields.isEmpty
            ? RegistryRecord(key: key, stamp: stamp, content: .removed)
            : RegistryRecord(key: key, stamp: stamp, fields: fields)
    }
}
