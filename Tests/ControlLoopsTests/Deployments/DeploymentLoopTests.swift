import ClusterState
import ControlLoops
import Gateway
import Logging
import ManagerTesting
import NIOCore
import Registry
import Synchronization
import Testing

@Suite struct `The loop of deployments` {
    /// Stands for the data plane: `slow` never answers.
    private final class Services: TrafficPort {
        private let asked = Mutex<Set<String>>([])

        var settledEpoch: Epoch { Epoch(1) }
        func versionTraffic() async -> [VersionTraffic] { [] }
        func wasAsked(_ host: String) -> Bool { self.asked.withLock { $0.contains(host) } }

        func call(_ call: UpstreamCall) async throws(UpstreamFailure) -> UpstreamAnswer {
            self.asked.withLock { _ = $0.insert(call.url.host) }
            if call.url.host == "slow" {
                let (never, _) = AsyncStream<Void>.makeStream()
                for await _ in never {}
            }
            return UpstreamAnswer(status: 200, headers: [], body: ByteBuffer())
        }
    }

    private func snapshot(_ orders: [String: String], epoch: Int64) throws -> RegistrySnapshot {
        var pointers = ModelPointers()
        for (version, service) in orders {
            let id = try #require(ServiceID(service))
            pointers.deployments[try #require(ModelVersion(version))] = Deployment(services: [id])
        }
        let services = try ["slow", "quick"].map { try JobBench.service($0) }
        return RegistrySnapshot(
            epoch: Epoch(epoch),
            services: services,
            pointers: [try #require(ModelType("LSTM")): pointers]
        )
    }

    @Test func `brings a version to one service while another one takes its time`() async throws {
        let fixture = try await RedisFixture.shared()
        let namespace = fixture.prefix()
        try await fixture.withClient(library: ClusterState.library) { redis in
            let (holder, services) = (SnapshotHolder(), Services())
            holder.publish(try self.snapshot(["v2": "slow"], epoch: 1))
            let parts = LeaderParts(
                holder: holder,
                state: ClusterState(redis: redis, namespace: namespace),
                leadership: FakeLeadership(),
                note: { _ in }
            )
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let loop = DeploymentLoop(parts: parts, port: services, logger: logger)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await loop.run() }
                defer { group.cancelAll() }
                #expect(try await eventually(within: .seconds(60)) { services.wasAsked("slow") })
                holder.publish(try self.snapshot(["v2": "slow", "v3": "quick"], epoch: 2))
                #expect(try await eventually(within: .seconds(60)) { services.wasAsked("quick") })
            }
        }
    }
}
