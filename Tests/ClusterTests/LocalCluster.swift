import Foundation
import ManagerTesting

/// Several replicas over one Redis of their own namespace: the real programs, on loopback.
struct LocalCluster {
    let redis: RedisFixture
    let replicas: [Member]

    /// One replica, and how the others call it.
    struct Member: Sendable {
        let id: String
        let replica: LocalReplica

        var client: PlainClient { self.replica.client }
        var program: RunningProgram { self.replica.manager }

        /// Who leads, in this replica's eyes; nil: nobody.
        func leader() async throws -> String? {
            let body = try await self.client.get("/cluster").body
            return body.firstMatch(of: /"leader":\{"replica_id":"([^"]+)"/).map { String($0.1) }
        }

        /// The ids of all replicas, in this one's eyes.
        func members() async throws -> [String] {
            let body = try await self.client.get("/cluster").body
            return body.matches(of: /"replica_id":"([^"]+)","role"/).map { String($0.1) }
        }
    }

    /// Starts them at once; `files` are contents of services files by replica id.
    static func start(
        _ ids: [String] = ["r1", "r2", "r3"],
        _ extra: [String: String] = [:],
        files: [String: String] = [:]
    ) async throws -> LocalCluster {
        let redis = try await RedisFixture.shared()
        let shared = ["REDIS_URL": redis.url, "REDIS_KEY_PREFIX": redis.prefix()].merging(extra) { $1 }
        let members = try await withThrowingTaskGroup(of: Member.self) { group in
            for id in ids {
                group.addTask {
                    let folder = try ScratchFolder()
                    if let file = files[id] { try folder.write(file, to: "services.json") }
                    let environment = shared.merging(["REPLICA_ID": id]) { $1 }
                    return Member(id: id, replica: try await LocalReplica.start(environment, folder: folder))
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        return LocalCluster(redis: redis, replicas: members.sorted { $0.id < $1.id })
    }

    func member(_ id: String) -> Member? { self.replicas.first { $0.id == id } }

    func others(than id: String) -> [Member] { self.replicas.filter { $0.id != id } }

    /// The leader that all of these replicas name, as soon as they name the same one and it is not the `former`.
    func agreedLeader(of members: [Member], not former: String? = nil, within limit: Duration) async throws -> String? {
        let end = ContinuousClock.now + limit
        while ContinuousClock.now < end {
            var named: Set<String?> = []
            for member in members { named.insert(try await member.leader()) }
            if named.count == 1, let leader = named.first ?? nil, leader != former { return leader }
            try await Task.sleep(for: .milliseconds(10))
        }
        return nil
    }

    /// Ends whoever still runs, at once.
    func end() {
        for member in self.replicas {
            member.program.signal(SIGCONT)
            member.program.signal(SIGKILL)
        }
    }
}
