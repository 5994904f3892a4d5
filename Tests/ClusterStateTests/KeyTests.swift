import ClusterState
import Foundation
import ManagerTesting
import RedisClient
import Registry
import Testing

@Suite struct `The key table` {
    @Test func `stands in the cluster's README as it stands in the code`() throws {
        let readme = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../cluster/README.md")
        #expect(try String(contentsOf: readme, encoding: .utf8).contains(KeyTable.markdown), "\(KeyTable.markdown)")
    }

    @Test func `names every key that is written, with its type`() async throws {
        let fixture = try await RedisFixture.shared()
        try await fixture.withClient(library: ClusterState.library) { redis in
            let state = ClusterState(redis: redis, namespace: fixture.prefix())
            let generation = try await state.open(heirOf: .none)
            _ = try await state.register(try Samples.definition("a", everything: true), source: .api, floor: .zero)
            _ = try await state.register(try Samples.definition("b"), source: .api, floor: .zero)
            _ = try await state.remove(try Samples.id("b"), floor: .zero)
            let fields = ["latest": "v2", "since:v2": "1"]
            let model = RegistryRecord(key: RecordKey(.model, "LSTM"), stamp: Epoch(9), fields: fields)
            _ = try await state.restore([model], generation: generation, floor: .zero)
            try await state.setAppliedFile(["a": "1"])
            try await Samples.join(state)
            try await Samples.train(state)
            try await Samples.discover(state)
            var found: [String: String] = [:]
            for key in try await redis.send(["KEYS", RedisWord("\(state.keys.prefix)*")]).array ?? [] {
                let name = (key.string ?? "").dropFirst(state.keys.prefix.count).split(separator: ":")[0]
                found[String(name)] = try await redis.send(["TYPE", RedisWord(key.string ?? "")]).string
            }
            let table = Dictionary(
                uniqueKeysWithValues: KeyTable.rows.map { ($0.name.split(separator: ":")[0], $0.type) }
            )
            #expect(found.map { "\($0.key) \($0.value)" }.sorted() == table.map { "\($0.key) \($0.value)" }.sorted())
            let help = try await redis.send(["GET", RedisWord(state.keys.help)]).string
            #expect(help == KeyTable.help(state.keys))
        }
    }

    @Test func `is made of keys that share one slot and begin with mm`() {
        let keys = Keys(namespace: "staging")
        #expect(keys.prefix == "mm:{staging}:")
        #expect(keys.record(RecordKey(.service, "lstm_1")) == "mm:{staging}:service:lstm_1")
    }
}
