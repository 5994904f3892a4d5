import Decisions
import Registry
import Testing

@Suite struct `Reconciling with the services file` {
    static func entry(_ name: String, weight: Int = 100) throws -> FileReconciliation.Entry {
        var definition = ServiceDefinition(
            id: try #require(ServiceID(name)),
            url: try ServiceURL("http://\(name):8000"),
            modelType: try #require(ModelType("LSTM")),
            capabilities: ["prediction"]
        )
        definition.weight = weight
        return FileReconciliation.Entry(definition)
    }

    func applied(_ entries: [FileReconciliation.Entry]) -> [String: String] {
        Dictionary(uniqueKeysWithValues: entries.map { ($0.definition.id.text, $0.fingerprint) })
    }

    @Test func `registers all of a new file, by id`() throws {
        let work = FileReconciliation(applied: [:], entries: [try Self.entry("b"), try Self.entry("a")])
        #expect(work.register.map(\.definition.id.text) == ["a", "b"])
        #expect(work.remove.isEmpty)
    }

    @Test func `does nothing when the file says what it said`() throws {
        let entries = [try Self.entry("a"), try Self.entry("b")]
        #expect(FileReconciliation(applied: self.applied(entries), entries: entries.reversed()).isEmpty)
    }

    @Test func `registers the entry that changed, and only that`() throws {
        let applied = self.applied([try Self.entry("a"), try Self.entry("b")])
        let work = FileReconciliation(applied: applied, entries: [try Self.entry("a"), try Self.entry("b", weight: 7)])
        #expect(work.register == [try Self.entry("b", weight: 7)])
        #expect(work.remove.isEmpty)
    }

    @Test func `removes the entry that left`() throws {
        let applied = self.applied([try Self.entry("a"), try Self.entry("b")])
        let work = FileReconciliation(applied: applied, entries: [try Self.entry("a")])
        #expect(work.register.isEmpty)
        #expect(work.remove == ["b"])
    }

    @Test func `sees every field in the fingerprint, and the same in every process`() throws {
        let plain = try Self.entry("a").definition
        let changes: [(inout ServiceDefinition) -> Void] = [
            { $0.url = (try? ServiceURL("http://other:1")) ?? $0.url },
            { $0.modelType = ModelType("GRU") ?? $0.modelType },
            { $0.modelVersion = ModelVersion("v2") ?? .unnamed }, { $0.capabilities = ["training"] },
            { $0.concurrentRequestsMax = 5 }, { $0.timeout = .seconds(3) }, { $0.weight = 1 },
            { $0.wireProtocol = .oip }, { $0.healthPath = "/h" }, { $0.metadata = ["a": "b"] }, { $0.discovery = .dns },
            { $0.lease = .seconds(9) }, { $0.kind = .validation }, { $0.forwardsAuthorization = true },
        ]
        var seen: Set = [FileReconciliation.Entry(plain).fingerprint]
        for change in changes {
            var definition = plain
            change(&definition)
            seen.insert(FileReconciliation.Entry(definition).fingerprint)
        }
        #expect(seen.count == changes.count + 1)
        #expect(seen.allSatisfy { $0.count == 16 })
    }
}
