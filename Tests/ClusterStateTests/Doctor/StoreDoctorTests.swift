import ClusterState
import Testing

/// Each rule of the doctor against a state that is healthy but for one thing.
@Suite struct `The doctor of Redis` {
    static let library = "modelmanager_aaaa"

    /// A cluster of one replica that leads, holds a permit and has one service.
    static var healthy: StoreExamination {
        var seen = StoreExamination(namespace: "t")
        seen.time = 1_000_000_000
        seen.settings = [
            "maxmemory-policy": "noeviction", "appendonly": "yes", "appendfsync": "everysec", "save": "",
            "min-replicas-to-write": "1", "min-replicas-max-lag": "2", "maxmemory": "0",
        ]
        seen.information = [
            "connected_slaves": "2", "min_slaves_good_slaves": "2", "used_memory": "1000000",
            "aof_last_write_status": "ok", "rdb_last_bgsave_status": "ok",
        ]
        seen.libraries = [Self.library: ["modelmanager_aaaa_put"], "theirs": ["their_function"]]
        seen.keys = [
            .init(name: "meta", type: "hash"), .init(name: "services", type: "zset"),
            .init(name: "service:a", type: "hash"), .init(name: "replica:r1", type: "hash"),
            .init(name: "sessions", type: "zset"), .init(name: "leader", type: "hash"),
            .init(name: "permits:a@http://h:1", type: "hash"), .init(name: "help", type: "string"),
        ]
        seen.meta = [
            "count": "1", "sum": "7", "lease_clock": "1000000000", "lease_clock_read_at": "999999500",
            "generation": "g",
        ]
        seen.services = ["a": 7]
        seen.sessions = ["r1.x": 1_000_005_000]
        seen.replicaSessions = ["r1": "r1.x"]
        seen.leader = ["holder": "r1.x", "deadline": "1000004000"]
        seen.holders = ["permits:a@http://h:1": ["r1.x"]]
        seen.help = KeyTable.help(Keys(namespace: "t"))
        return seen
    }

    @Test func `finds nothing in a healthy cluster`() {
        #expect(StoreDoctor.findings(in: Self.healthy, library: Self.library) == [])
    }

    struct Ill: Sendable, CustomStringConvertible {
        let code: String
        let subject: String
        let severity: StoreFinding.Severity
        let change: @Sendable (inout StoreExamination) -> Void
        var description: String { "\(self.code) \(self.subject)" }

        init(
            _ code: String,
            _ subject: String,
            _ severity: StoreFinding.Severity,
            _ change: @escaping @Sendable (inout StoreExamination) -> Void
        ) {
            (self.code, self.subject, self.severity, self.change) = (code, subject, severity, change)
        }
    }

    @Test(arguments: [
        Ill("eviction", "maxmemory-policy", .error) { $0.settings["maxmemory-policy"] = "allkeys-lru" },
        Ill("memory", "maxmemory", .warning) { $0.settings["maxmemory"] = "1200000" },
        Ill("memory", "maxmemory", .error) { $0.settings["maxmemory"] = "1000001" },
        Ill("persistence_off", "appendonly", .error) { $0.settings["appendonly"] = "no" },
        Ill("persistence_late", "appendfsync", .warning) { $0.settings["appendfsync"] = "no" },
        Ill("persistence_fails", "aof_last_write_status", .error) { $0.information["aof_last_write_status"] = "err" },
        Ill("min_replicas_unset", "min-replicas-to-write", .warning) { $0.settings["min-replicas-to-write"] = "0" },
        Ill("min_replicas_unmet", "min-replicas-to-write", .error) { $0.information["min_slaves_good_slaves"] = "0" },
        Ill("min_replicas_bare", "min-replicas-to-write", .warning) {
            $0.information["connected_slaves"] = "1"
            $0.information["min_slaves_good_slaves"] = "1"
        },
        Ill("min_replicas_lag", "min-replicas-max-lag", .warning) { $0.settings["min-replicas-max-lag"] = "10" },
        Ill("settings_unreadable", "CONFIG", .note) { $0.settings = [:] },
        Ill("functions_missing", library, .warning) { $0.libraries?[library] = nil },
        Ill("functions_of_other_version", "modelmanager_bbbb", .note) { $0.libraries?["modelmanager_bbbb"] = ["f"] },
        Ill("functions_foreign", "evil", .error) { $0.libraries?["evil"] = ["modelmanager_aaaa_register"] },
        Ill("functions_unreadable", library, .note) { $0.libraries = nil },
        Ill("wrong_type", "log", .error) { $0.keys.append(.init(name: "log", type: "string")) },
        Ill("wrong_type", "waiters:a@http://h:1", .error) {
            $0.keys.append(.init(name: "waiters:a@http://h:1", type: "set"))
        },
        Ill("unknown_key", "notes", .warning) { $0.keys.append(.init(name: "notes", type: "string")) },
        Ill("unknown_key", "cursor:", .warning) { $0.keys.append(.init(name: "cursor:", type: "string")) },
        Ill("expires", "cursor:p", .error) { $0.keys.append(.init(name: "cursor:p", type: "string", expires: true)) },
        Ill("orphan", "service:b", .error) { $0.keys.append(.init(name: "service:b", type: "hash")) },
        Ill("record_missing", "service:a", .error) { $0.keys.removeAll { $0.name == "service:a" } },
        Ill("orphan", "model:LSTM", .error) { $0.keys.append(.init(name: "model:LSTM", type: "hash")) },
        Ill("orphan", "leases", .warning) { $0.leases = ["gone"] },
        Ill("orphan", "replica:r9", .warning) { $0.replicaSessions["r9"] = "r9.y" },
        Ill("orphan", "sessions", .warning) { $0.sessions["r8.y"] = 1_000_000_000 - 100_000 },
        Ill("orphan", "permits:a@http://h:1", .note) { $0.holders["permits:a@http://h:1"] = ["r1.x", "r7.z"] },
        Ill("orphan", "waiters:z@http://h:1", .warning) { $0.holders["waiters:z@http://h:1"] = ["r1.x"] },
        Ill("leaderless", "leader", .error) { $0.leader["deadline"] = "999900000" },
        Ill("digest", "meta", .warning) { $0.meta["sum"] = "8" },
        Ill("help", "help", .note) { $0.help = "old" },
        Ill("clock_set_back", "meta", .warning) { $0.time -= 3_600_000 },
        Ill("lease_clock_apart", "meta", .note) {
            $0.time += 3_600_000
            $0.meta["lease_clock_read_at"] = "1003600000"
        },
        Ill("keys_cut", "keys", .note) { $0.isCut = true },
    ])
    func `finds one thing, and says what to do`(ill: Ill) {
        var seen = Self.healthy
        ill.change(&seen)
        let findings = StoreDoctor.findings(in: seen, library: Self.library)
        #expect(findings.map(\.code) == [ill.code])
        #expect(findings.first?.subject == ill.subject)
        #expect(findings.first?.severity == ill.severity)
        #expect(findings.first?.advice.isEmpty == false)
    }

    @Test func `leaves what the next beat mends alone`() {
        var seen = Self.healthy
        seen.sessions["r8.y"] = 1_000_000_000 - 30_000
        seen.replicaSessions["r8"] = "r8.y"
        seen.holders["permits:a@http://h:1"] = ["r1.x", "r8.y"]
        #expect(StoreDoctor.findings(in: seen, library: Self.library) == [])
    }

    @Test func `tells the worst first`() {
        var seen = Self.healthy
        seen.help = "old"
        seen.settings["appendonly"] = "no"
        seen.keys.append(.init(name: "notes", type: "string"))
        let severities = StoreDoctor.findings(in: seen, library: Self.library).map(\.severity)
        #expect(severities == [.error, .warning, .note])
    }
}
