internal import RedisClient
internal import Registry

extension LogEntry {
    /// Reads an entry of the stream: `[id, [field, value, …]]`. Nil for one that no Model Manager wrote.
    init?(_ value: RedisValue) {
        guard let parts = value.array, parts.count == 2, let id = parts[0].string,
            let epoch = id.split(separator: "-").first.flatMap({ Int64($0) }),
            let flat = parts[1].array?.map({ $0.string ?? "" }), flat.count >= Self.frameCount
        else { return nil }
        // The first four pairs are the entry's own; the record's fields may bear the same names.
        let frame = ReplyReader.dictionary(flat[..<Self.frameCount])
        guard let operation = frame["op"], let id = frame["id"], let previous = frame["prev"].flatMap({ Int64($0) }),
            let stamp = frame["stamp"].flatMap({ Int64($0) })
        else { return nil }
        let fields = ReplyReader.dictionary(flat[Self.frameCount...])
        self.init(
            epoch: Epoch(epoch),
            previous: Epoch(previous),
            record: Self.record(operation, id, Epoch(stamp), fields)
        )
    }

    private static let frameCount = 8

    private static func record(
        _ operation: String,
        _ id: String,
        _ stamp: Epoch,
        _ fields: [String: String]
    ) -> RegistryRecord? {
        let parts = operation.split(separator: "_")
        guard let kind = parts.first.flatMap({ RecordKey.Kind(rawValue: String($0)) }) else { return nil }
        let key = RecordKey(kind, id)
        if parts.count == 1 { return RegistryRecord(key: key, stamp: stamp, fields: fields) }
        return parts[1] == "removed" ? RegistryRecord(key: key, stamp: stamp, content: .removed) : nil
    }
}
