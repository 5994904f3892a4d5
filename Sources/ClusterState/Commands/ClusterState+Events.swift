internal import RedisClient
internal import Registry

extension ClusterState {
    /// The audit, at most `limit` events, the oldest first: those after the one with this id, or the newest ones without an
    /// id. Throws `invalid` when the id is none.
    public func events(after id: String? = nil, limit: Int) async throws(StateError) -> [ClusterEvent] {
        let isPlace = id?.allSatisfy { $0.isASCII && ($0.isNumber || $0 == "-") } ?? true
        guard isPlace else { throw StateError(.invalid, "after is no id of an event") }
        guard let id else { return try await self.events("XREVRANGE", "+", "-", limit).reversed() }
        return try await self.events("XRANGE", "(\(id)", "+", limit)
    }

    private func events(
        _ command: String,
        _ from: String,
        _ to: String,
        _ limit: Int
    ) async throws(StateError) -> [ClusterEvent] {
        let words: [RedisWord] = [RedisWord(command), RedisWord(self.keys.events), RedisWord(from), RedisWord(to)]
        let value = try await self.send(words + ["COUNT", RedisWord(Int64(limit))])
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
