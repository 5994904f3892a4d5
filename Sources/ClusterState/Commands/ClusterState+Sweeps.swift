internal import RedisClient

/// What a sweep leaves for people and metrics.
public struct SweepRecord: Sendable, Hashable {
    public struct Line: Sendable, Hashable {
        public let source: String
        public let found: Int
        public let errors: Int

        public init(source: String, found: Int, errors: Int) {
            self.source = source
            self.found = found
            self.errors = errors
        }
    }

    public let lines: [Line]
    /// The detail of the event that is written when it differs from the last sweep's.
    public let summary: String

    public init(lines: [Line], summary: String) {
        self.lines = lines
        self.summary = summary
    }
}

extension ClusterState {
    /// Keeps what a sweep found; a leader's.
    public func storeSweep(_ record: SweepRecord) async throws(StateError) {
        let lines = record.lines.flatMap { [$0.source, String($0.found), String($0.errors)] }
        _ = try await self.call("discovery_sweep", ([self.actor, record.summary] + lines).map { RedisWord($0) })
    }

    /// Tells the leader that something may have changed.
    public func hintDiscovery(_ subject: String, reason: String) async throws(StateError) {
        _ = try await self.call("discovery_hint", [RedisWord(subject), RedisWord(reason)])
    }

    /// Entries of a catalogue as they were last applied, by service.
    public func appliedCatalogue(_ url: String) async throws(StateError) -> [String: String] {
        let value = try await self.send(["HGETALL", RedisWord(self.keys.catalogue(url))])
        return ReplyReader.dictionary((value.array ?? []).map { $0.string ?? "" }[...])
    }

    /// URLs of the catalogues of which something is applied.
    public func appliedCatalogues() async throws(StateError) -> [String] {
        let value = try await self.send(["SMEMBERS", RedisWord(self.keys.catalogues)])
        return (value.array ?? []).compactMap(\.string).sorted()
    }

    /// Remembers what of a catalogue is applied now; nothing forgets it. A leader's.
    public func setAppliedCatalogue(_ url: String, _ entries: [String: String]) async throws(StateError) {
        let pairs = entries.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] }
        _ = try await self.call("discovery_catalogue", ([url] + pairs).map { RedisWord($0) })
    }
}
