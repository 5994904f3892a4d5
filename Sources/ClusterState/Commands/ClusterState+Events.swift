internal import RedisClient
internal import Registry

extension ClusterState {
    /// The audit, oldest first, at most `limit` events: those after the one with this id, or from the oldest one kept.
    /// Throws `invalid` when the id is none.
    public func events(after id: String? = nil, limit: Int) async throws(StateError) -> [ClusterEvent] {
        let isPlace = id?.allSatisfy { $0.isASCII && ($0.isNumber || $0 == "-") } ?? true
        guard isPlace else { throw StateError(.invalid, "after is no id of an event") }
        let start = id.map { "(\($0)" } ?? "-"
        let words: [RedisWord] = ["XRANGE", RedisWord(self.keys.events), RedisWord(start), "+", "COUNT"]
        let value = try await self.send(words + [RedisWord(Int64(limit))])
        return (value.array ?? []).compactMap { ClusterEvent($0) }
    }
}

extension ClusterEvent {
    fileprivate init?(_ value: RedisValue) {
        guard let parts = value.array, parts.count == 2, let id = parts[0].string,
            let milliseconds = id.split(separator: "-").first.flatMap({ Int64($0) })
        else { return nil }
        let fields = ReplyReader.dictionary((parts[1].array ?? []).map { $0.string ?? "" }[...])
        self.init(
            id: id,
            at: Timestamp(milliseconds: milliseconds),
            actor: fields["actor"] ?? "",
            kind: fields["kind"] ?? "",
            subject: fields["subject"] ?? "",
            detail: fields["detail"] ?? "",
            epoch: Epoch(fields["epoch"].flatMap { Int64($0) } ?? 0)
        )
    }
}
