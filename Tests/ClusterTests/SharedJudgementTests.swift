import Foundation
import ManagerTesting
import Synchronization
import Testing

/// Three whole replicas over one Redis, and what they make of an instance together.
@Suite(.serialized) struct `Three replicas` {
    /// The replicas, each a process, all with the same Redis and the same namespace.
    private struct Cluster {
        let replicas: [LocalReplica]

        static func start(_ extra: [String: String]) async throws -> Cluster {
            let fixture = try await RedisFixture.shared()
            let shared = [
                "REDIS_URL": fixture.url, "REDIS_KEY_PREFIX": fixture.prefix(), "REPLICA_LEASE": "3",
                "LEADER_LEASE": "3", "MAX_RETRIES": "0", "BREAKER_COOLDOWN": "1", "EVENT_LOOPS": "1",
            ]
            var replicas: [LocalReplica] = []
            for name in ["r1", "r2", "r3"] {
                let own = shared.merging(extra) { $1 }.merging(["REPLICA_ID": name]) { $1 }
                replicas.append(try await LocalReplica.start(own))
            }
            return Cluster(replicas: replicas)
        }

        /// Registers a service for each stub and waits until every replica knows all of them, and each other.
        func register(_ stubs: [StubUpstream]) async throws {
            for (number, stub) in stubs.enumerated() {
                let body =
                    #"{"service_id": "s\#(number)", "service_url": "\#(stub.url)", "model_type": "LSTM", "#
                    + #""capabilities": ["prediction"]}"#
                try #require(try await self.replicas[0].client.registers(body))
            }
            for replica in self.replicas {
                let client = replica.client
                let isThere = try await eventually(within: .seconds(20)) {
                    let services = try await client.get("/services").body
                    let cluster = try await client.get("/cluster").body
                    return stubs.indices.allSatisfy { services.contains(#""s\#($0)""#) }
                        && ["r1", "r2", "r3"].allSatisfy { cluster.contains(#""\#($0)""#) }
                }
                try #require(isThere)
                let line = try await replica.manager.errorLine(containing: "breakers are shared", within: .seconds(20))
                try #require(line != nil)
            }
        }

        func health(_ replica: LocalReplica, of service: String = "s0") async throws -> String {
            try await replica.client.get("/services/\(service)/health").body
        }

        func predict(_ replica: LocalReplica) async throws -> Int {
            try await replica.client.post("/predict", LocalReplica.predict).status
        }

        func waitForBreaker(_ state: String, on replicas: [LocalReplica]? = nil) async throws -> Bool {
            for replica in replicas ?? self.replicas {
                let found = try await eventually(within: .seconds(20)) {
                    try await self.health(replica).contains(#""circuit_breaker":{"state":"\#(state)""#)
                }
                if !found { return false }
            }
            return true
        }
    }

    /// What the stub does to predictions; `/health` is always well.
    private enum Mood { case failing, stuck, well }

    private final class MoodRing: Sendable {
        private let mood: Mutex<Mood>

        init(_ mood: Mood) { self.mood = Mutex(mood) }

        var value: Mood { self.mood.withLock { $0 } }

        func set(_ mood: Mood) { self.mood.withLock { $0 = mood } }
    }

    private static func stub(_ mood: MoodRing) async throws -> StubUpstream {
        try await StubUpstream.start { _, request in
            guard request.hasPrefix("POST") else { return [.send(StubUpstream.json("{}")), .next] }
            switch mood.value {
            case .failing: return [.reset]
            case .stuck: return [.hold]
            case .well: return [.send(StubUpstream.json(#"{"prediction": 1}"#)), .next]
            }
        }
    }

    @Test func `trip a breaker by failures of which none has seen enough, and close it together`() async throws {
        let mood = MoodRing(.failing)
        let stub = try await Self.stub(mood)
        let cluster = try await Cluster.start(["HEALTH_CHECK_INTERVAL": "60", "BREAKER_COOLDOWN": "3"])
        try await cluster.register([stub])
        for replica in [0, 1, 2, 0, 1] { #expect(try await cluster.predict(cluster.replicas[replica]) == 502) }
        let failed = ContinuousClock.now
        #expect(try await cluster.waitForBreaker("open"))
        print("open on all three replicas after \(ContinuousClock.now - failed) (promised: 300 ms)")
        #expect(stub.requests.count { $0.hasPrefix("POST") } == 5)
        #expect(try await cluster.predict(cluster.replicas[2]) == 503, "and nobody sends there")
        mood.set(.well)
        let client = cluster.replicas[1].client
        #expect(
            try await eventually(within: .seconds(20)) {
                try await client.post("/predict", LocalReplica.predict).status == 200
            }
        )
        #expect(try await cluster.waitForBreaker("closed"))
        for replica in cluster.replicas { #expect(try await cluster.predict(replica) == 200) }
        await stub.stop()
    }

    @Test func `send one probe to a half-open instance, and another when its owner was killed`() async throws {
        let mood = MoodRing(.failing)
        let stub = try await Self.stub(mood)
        let cluster = try await Cluster.start(["HEALTH_CHECK_INTERVAL": "60", "BREAKER_COOLDOWN": "3"])
        try await cluster.register([stub])
        for _ in 0..<5 { _ = try await cluster.predict(cluster.replicas[0]) }
        #expect(try await cluster.waitForBreaker("open"))
        let before = stub.requests.count { $0.hasPrefix("POST") }
        mood.set(.stuck)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for replica in cluster.replicas {
                // Callers of all three ask all the time; what one of them gets stuck in is the probe.
                group.addTask {
                    while !Task.isCancelled {
                        _ = try? await replica.client.post("/predict", LocalReplica.predict).status
                        try? await Task.sleep(for: .milliseconds(20))
                    }
                }
            }
            let probed = try await eventually(within: .seconds(20)) {
                stub.requests.count { $0.hasPrefix("POST") } > before
            }
            #expect(probed)
            let owner = try #require(try await Self.owner(in: cluster))
            owner.manager.signal(SIGKILL)
            mood.set(.well)
            let others = cluster.replicas.filter { $0.manager.pid != owner.manager.pid }
            #expect(stub.requests.count { $0.hasPrefix("POST") } == before + 1, "one probe in the whole cluster")
            #expect(try await cluster.waitForBreaker("closed", on: others))
            group.cancelAll()
            stub.release()
        }
        await stub.stop()
    }

    /// The replica in whose hands the stuck request is.
    private static func owner(in cluster: Cluster) async throws -> LocalReplica? {
        for replica in cluster.replicas {
            let body = try await cluster.health(replica)
            if body.contains(#""in_flight":1"#) { return replica }
        }
        return nil
    }

    @Test func `probe each instance once per interval, and those of a killed one too`() async throws {
        var stubs: [StubUpstream] = []
        for _ in 0..<4 { stubs.append(try await StubUpstream.answering(StubUpstream.json("{}"))) }
        let cluster = try await Cluster.start(["HEALTH_CHECK_INTERVAL": "1"])
        try await cluster.register(stubs)
        let before = stubs.map(\.requests.count)
        let began = ContinuousClock.now
        let probed = stubs
        #expect(
            try await eventually(within: .seconds(30)) {
                zip(probed, before).allSatisfy { $0.requests.count - $1 >= 4 }
            }
        )
        let intervals = Int((ContinuousClock.now - began) / .seconds(1)) + 1
        for (stub, count) in zip(stubs, before) {
            #expect(stub.requests.count - count <= intervals + 1, "\(intervals) intervals")
        }
        let checker = try await Self.checker(of: "s0", by: cluster.replicas[0])
        let killed = try #require(cluster.replicas.first { $0.environment["REPLICA_ID"] == checker })
        killed.manager.signal(SIGKILL)
        let witness = try #require(cluster.replicas.first { $0.environment["REPLICA_ID"] != checker })
        #expect(
            try await eventually(within: .seconds(20)) {
                let now = try await Self.checker(of: "s0", by: witness)
                return now != nil && now != checker
            }
        )
        for stub in stubs { await stub.stop() }
    }

    private static func checker(of service: String, by replica: LocalReplica) async throws -> String? {
        let body = try await replica.client.get("/services/\(service)/health").body
        return body.firstMatch(of: /"checked_by":"([^"]+)"/).map { String($0.1) }
    }
}
