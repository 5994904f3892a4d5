import Foundation
import ManagerTesting
import Registry
import Testing

@Suite struct `What all replicas served` {
    /// As `GET /cluster/stats` says it; only what is asked for here.
    private struct Statistics: Decodable {
        struct Service: Decodable {
            let requests: Int
            let p99_ms: Double?
        }

        let scope: String
        let requests: Int
        let failures: Int
        let services: [String: Service]
    }

    private static func statistics(_ client: PlainClient) async throws -> Statistics {
        try JSONDecoder().decode(Statistics.self, from: Data(try await client.get("/cluster/stats").body.utf8))
    }

    @Test func `is told by each of them, at once what it served itself, and outlives a killed one`() async throws {
        let stub = try await StubUpstream.answering(StubUpstream.json("1"))
        let cluster = try await ThreeReplicas.start(["HEALTH_CHECK_INTERVAL": "10"])
        defer { cluster.stop() }
        try await cluster.register("a", at: stub.url)
        let statuses = try await cluster.predict(30, atOnce: 3)
        #expect(statuses.allSatisfy { $0 == 200 })
        for replica in cluster.replicas {
            let client = replica.client
            let isSum = try await eventually(within: .seconds(3)) {
                try await Self.statistics(client).services["a"]?.requests == 30
            }
            #expect(isSum)
        }
        let (victim, witness) = (cluster.replicas[0], cluster.replicas[1].client)
        let before = try await Self.statistics(witness)
        #expect(before.scope == "cluster" && before.failures == 0 && before.requests >= 30)
        #expect(before.services["a"]?.p99_ms != nil)
        victim.manager.signal(SIGKILL)
        let status = try await witness.post("/predict", LocalReplica.predict).status
        #expect(status == 200)
        let after = try await Self.statistics(witness)
        #expect(after.services["a"]?.requests == 31, "its own at once, the killed one's as it told them")
        #expect(after.requests == before.requests + 1)
        await stub.stop()
    }
}
