internal import RedisClient

extension ClusterState {
    /// Entries of the services file as they were last applied, by service.
    public func appliedFile() async throws(StateError) -> [String: String] {
        let value = try await self.send(["HGETALL", RedisWord(self.keys.servicesFile)])
        return ReplyReader.dictionary((value.array ?? []).map { $0.string ?? "" }[...])
    }

    /// Remembers what of the services file is applied now; replaces what was remembered.
    public func setAppliedFile(_ entries: [String: String]) async throws(StateError) {
        let arguments = entries.flatMap { [RedisWord($0.key), RedisWord($0.value)] }
        _ = try await self.call("services_file_store", arguments)
    }
}
