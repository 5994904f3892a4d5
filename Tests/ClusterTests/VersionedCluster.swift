import Foundation
import ManagerTesting
import Synchronization
import Testing

/// Three replicas over one Redis, and two versions of a model behind them that answer with their own names.
struct VersionedCluster {
    let redis: RedisFixture
    let replicas: [RunningProgram]
    let services: [StubUpstream]
    /// Of each replica, without its leading `mm:`.
    static let names = ["r1", "r2", "r3"]
    static let versions = ["v1", "v2"]
    static let predict = #"{"model_type":"LSTM","data":[1]}"#

    /// The second version answers by `script`; without one it is as good as the first.
    static func run(
        _ extra: [String: String] = [:],
        second script: @escaping StubUpstream.Script = { _, _ in [.send(StubUpstream.json(#"{"p":2}"#)), .next] },
        _ body: (VersionedCluster) async throws -> Void
    ) async throws {
        let redis = try await RedisFixture.start()
        let folder = try ScratchFolder()
        let services = [
            try await StubUpstream.answering(StubUpstream.json(#"{"p":1}"#)),
            try await StubUpstream.start(script),
        ]
        var replicas: [RunningProgram] = []
        for name in Self.names {
            let fixed = [
                "API_HOST": "127.0.0.1", "API_PORT": "0", "DATA_DIR": "\(folder.path)/\(name)", "REPLICA_ID": name,
                "REDIS_URL": redis.url, "DRAIN_DELAY": "0", "EVENT_LOOPS": "2", "MAX_RETRIES": "0",
            ]
            replicas.append(try await LocalReplica.startManager(fixed.merging(extra) { $1 }, in: folder))
        }
        let cluster = VersionedCluster(redis: redis, replicas: replicas, services: services)
        try await cluster.prepare()
        try await body(cluster)
        for replica in replicas { replica.signal(SIGKILL) }
        for service in services { await service.stop() }
        await redis.stop()
    }

    func client(_ place: Int) -> PlainClient { PlainClient(self.replicas[place].url) }

    /// Everybody sees everybody and both versions.
    private func prepare() async throws {
        for (version, service) in zip(Self.versions, self.services) {
            let form = """
                {"service_id":"s-\(version)","service_url":"\(service.url)","model_type":"LSTM",
                 "model_version":"\(version)","capabilities":["prediction"]}
                """
            #expect(try await self.client(0).registers(form))
        }
        for place in self.replicas.indices {
            let isReady = try await eventually(within: .seconds(60)) {
                let cluster = try await self.client(place).get("/cluster").body
                let model = try await self.client(place).get("/models/LSTM").body
                return Self.names.allSatisfy { cluster.contains("\"replica_id\":\"\($0)\"") }
                    && cluster.contains("\"term\":") && Self.versions.allSatisfy { model.contains("\"\($0)\"") }
            }
            #expect(isReady, "\(Self.names[place]) does not see the cluster")
        }
    }

    func switchTo(_ version: String, at place: Int, timeout: Int = 30) async throws -> PlainClient.Answer {
        try await self.client(place).post("/models/LSTM/switch", #"{"version":"\#(version)","timeout":\#(timeout)}"#)
    }

    /// Which version a prediction at a replica is answered by.
    func version(at place: Int) async throws -> String {
        let answer = try await self.client(place).post("/predict", Self.predict)
        return answer.headers["x-mm-model-version"] ?? "\(answer.status) \(answer.body)"
    }

    /// What the leader's id is, as a replica sees it.
    func leader(seenBy place: Int) async throws -> String? {
        let body = try await self.client(place).get("/cluster").body
        return body.firstMatch(of: /"leader":\{"replica_id":"([^"]+)"/).map { String($0.1) }
    }
}
