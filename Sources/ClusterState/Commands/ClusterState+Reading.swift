internal import RedisClient
public import Registry

extension ClusterState {
    /// Begins a generation when Redis holds none, as heir of the one the caller knew; keeps the key `help` right.
    public func open(heirOf parent: Generation) async throws(StateError) -> Generation {
        let arguments = [RedisWord(parent.text), RedisWord(KeyTable.help(self.keys))]
        var reply = try await self.call("registry_open", arguments)
        return Generation(try reply.text())
    }

    /// What happened since the replica's epoch. Reads only, so it works while Redis refuses writes.
    public func sync(generation: Generation, since epoch: Epoch) async throws(StateError) -> SyncReply {
        let arguments = [generation.text, epoch.description, String(Self.entriesMax)]
        var reply = try await self.call("registry_sync", arguments.map { RedisWord($0) })
        let status = try reply.text()
        if status == "empty" { return .empty }
        let head = try Self.head(&reply)
        switch status {
        case "unchanged": return .unchanged(head)
        case "delta": return .delta(head, try reply.list().compactMap { LogEntry($0) })
        case "lost": return .lost(head)
        case "full": return .full(head)
        default: throw StateError(.unreadable, "registry_sync answered \(status)")
        }
    }

    /// Of the latest change; zero when Redis holds no registry.
    public func epoch() async throws(StateError) -> Epoch {
        switch try await self.sync(generation: .none, since: .zero) {
        case .empty: .zero
        case .unchanged(let head), .delta(let head, _), .full(let head), .lost(let head): head.epoch
        }
    }

    /// A bounded part of the whole registry. Nil when Redis holds none.
    public func page(_ cursor: PageCursor) async throws(StateError) -> RegistryPage? {
        let arguments = [cursor.kind.rawValue, cursor.stamp.description, cursor.id, String(Self.recordsMax)]
        var reply = try await self.call("registry_page", arguments.map { RedisWord($0) }, within: Self.pageTimeout)
        let status = try reply.text()
        if status == "empty" { return nil }
        let generation = Generation(try reply.text())
        let epoch = try reply.epoch()
        var records: [RegistryRecord] = []
        for item in try reply.list() {
            var part = try ReplyReader(item, of: "registry_page")
            let key = RecordKey(cursor.kind, try part.text())
            records.append(RegistryRecord(key: key, stamp: try part.epoch(), fields: try part.fields()))
        }
        let next = Self.next(after: cursor, isEnd: status == "end", last: records.last)
        return RegistryPage(generation: generation, epoch: epoch, records: records, next: next)
    }

    /// Gives back records that this replica saw acknowledged and Redis lost, all at once.
    ///
    /// The `generation` is the one the caller has just read; another one refuses them.
    public func restore(
        _ records: [RegistryRecord],
        generation: Generation,
        floor: Epoch,
        by actor: String? = nil
    ) async throws(StateError) -> [(record: RegistryRecord, result: Restoration)] {
        let calls = records.map { record in
            let head = [
                generation.text, record.key.kind.rawValue, record.key.id, record.stamp.description, floor.description,
                actor ?? self.actor,
            ]
            return (head + record.fields.flatMap { [$0.key, $0.value] }).map { RedisWord($0) }
        }
        let replies = try await self.call("registry_repair", atOnce: calls)
        var results: [(record: RegistryRecord, result: Restoration)] = []
        for (record, reply) in zip(records, replies) {
            var reply = reply
            let status = try reply.text()
            guard let result = Restoration(rawValue: status) else {
                throw StateError(.unreadable, "registry_repair answered \(status)")
            }
            results.append((record, result))
        }
        return results
    }

    /// Counts the records anew, after somebody edited the keys by hand.
    public func recount() async throws(StateError) {
        _ = try await self.call("registry_recount", [])
    }

    private static let entriesMax = 256
    private static let recordsMax = 200
    /// A page is the longest of the functions, a few milliseconds; on a busy Redis it deserves patience.
    private static let pageTimeout = Duration.seconds(2)

    private static func head(_ reply: inout ReplyReader) throws(StateError) -> StoreHead {
        StoreHead(
            generation: Generation(try reply.text()),
            parent: Generation(try reply.text()),
            born: Timestamp(milliseconds: try reply.integer()),
            epoch: try reply.epoch(),
            digest: RegistryDigest(count: Int(try reply.integer()), sum: try reply.integer()),
            time: Timestamp(milliseconds: try reply.integer())
        )
    }

    private static func next(after cursor: PageCursor, isEnd: Bool, last: RegistryRecord?) -> PageCursor? {
        if !isEnd, let last { return PageCursor(kind: cursor.kind, stamp: last.stamp, id: last.key.id) }
        return cursor.kind == .service ? PageCursor(kind: .model, stamp: .zero, id: "") : nil
    }
}
