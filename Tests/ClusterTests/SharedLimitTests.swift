import Foundation
import ManagerTesting
import Registry
import Testing

/// Three whole replicas over one Redis.
struct ThreeReplicas {
    let replicas: [LocalReplica]

    static func start(_ extra: [String: String] = [:]) async throws -> ThreeReplicas {
        let fixture = try await RedisFixture.shared()
        let shared = ["REDIS_URL": fixture.url, "REDIS_KEY_PREFIX": fixture.prefix(), "QUEUE_TIMEOUT": "20"]
        var replicas: [LocalReplica] = []
        for number in 1...3 {
            let own = ["REPLICA_ID": "r\(number)"].merging(shared) { $1 }.merging(extra) { $1 }
            replicas.append(try await LocalReplica.start(own))
        }
        return ThreeReplicas(replicas: replicas)
    }

    /// Registers a service at the first replica, and waits until all send requests there. What a replica picks from says
    /// `/explain`; for `/services/{id}` it would ask Redis.
    func register(_ id: String, at url: String, limit: Int? = nil) async throws {
        let limit = limit.map { #", "max_concurrent_requests": \#($0)"# } ?? ""
        let body =
            #"{"service_id": "\#(id)", "service_url": "\#(url)", "model_type": "LSTM", "capabilities": ["prediction"]\#(limit)}"#
        #expect(try await self.replicas[0].client.registers(body))
        for replica in self.replicas {
            let client = replica.client
            let knows = try await eventually(within: .seconds(10)) {
                try await client.get("/explain?model_type=LSTM").body.contains("\"\(id)\"")
            }
            #expect(knows)
        }
    }

    /// So many predictions, a few at a time, to the replicas in turn; their statuses.
    func predict(_ count: Int, atOnce: Int) async throws -> [Int] {
        let clients = self.replicas.map(\.client)
        return try await withThrowingTaskGroup(of: [Int].self) { group in
            for first in 0..<atOnce {
                group.addTask {
                    var statuses: [Int] = []
                    for number in stride(from: first, to: count, by: atOnce) {
                        let client = clients[number % clients.count]
                        statuses.append(try await client.post("/predict", LocalReplica.predict).status)
                    }
                    return statuses
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
    }

    func stop() {
        for replica in self.replicas { replica.manager.signal(SIGKILL) }
    }
}

@Suite struct `Limits over replicas` {
    @Test func `keep the limit of an instance together, and serve everybody who waits`() async throws {
        let stub = try await CrowdedStub.start(pause: .milliseconds(10))
        let cluster = try await ThreeReplicas.start()
        defer { cluster.stop() }
        try await cluster.register("a", at: stub.url, limit: 4)
        let statuses = try await cluster.predict(240, atOnce: 24)
        #expect(statuses.allSatisfy { $0 == 200 }, "\(statuses)")
        #expect(stub.most <= 4)
        #expect(stub.most >= 2, "it was never busy: the run says nothing")
        await stub.stub.stop()
    }

    @Test func `have the permits of a killed one within 8 s`() async throws {
        let stub = try await CrowdedStub.start()
        let cluster = try await ThreeReplicas.start()
        defer { cluster.stop() }
        try await cluster.register("a", at: stub.url, limit: 2)
        let (first, second) = (cluster.replicas[0], cluster.replicas[1].client)
        let victim = first.client
        async let one = try? victim.post("/predict", LocalReplica.predict)
        async let two = try? victim.post("/predict", LocalReplica.predict)
        #expect(try await eventually(within: .seconds(20)) { stub.most == 2 })
        async let answer = second.post("/predict", LocalReplica.predict)
        first.manager.signal(SIGKILL)
        let killed = ContinuousClock.now
        // Twice the promise, and more, for a machine under load.
        #expect(try await happens(within: .seconds(20)) { stub.came == 3 })
        #expect(ContinuousClock.now - killed > .seconds(2), "it was free before: the run says nothing")
        stub.stub.release()
        let status = try await answer.status
        #expect(status == 200)
        _ = await (one, two)
        await stub.stub.stop()
    }

    @Test func `take turns together`() async throws {
        var stubs: [StubUpstream] = []
        for number in 0..<4 { stubs.append(try await StubUpstream.answering(StubUpstream.json("\(number)"))) }
        // With probes as rare as by default: a stub that answers none within a quarter of a second has no turns.
        let cluster = try await ThreeReplicas.start(["HEALTH_CHECK_INTERVAL": "10"])
        defer { cluster.stop() }
        for (number, stub) in stubs.enumerated() { try await cluster.register("s\(number)", at: stub.url) }
        var (counts, asked) = ([0, 0, 0, 0], 0)
        for (count, atOnce) in [(31, 1), (333, 9), (57, 1)] {
            let statuses = try await cluster.predict(count, atOnce: atOnce)
            #expect(statuses.allSatisfy { $0 == 200 })
            let before = counts
            asked += count
            counts = stubs.map { stub in stub.requests.count { $0.contains("/predict") } }
            #expect((counts.max() ?? 0) - (counts.min() ?? 0) <= 6, "\(before) \(counts) of \(asked)")
        }
        for stub in stubs { await stub.stop() }
    }
}
