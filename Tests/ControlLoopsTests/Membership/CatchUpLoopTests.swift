import ClusterState
import ControlLoops
import Gateway
import Logging
import ManagerTesting
import NIOPosix
import RedisClient
import Registry
import Testing

/// The loop between a real Redis and a real data plane.
@Suite struct `A replica's leave to serve` {
    private struct Parts {
        let redis: RedisFixture
        let state: ClusterState
        let plane: DataPlane
        let holder: SnapshotHolder
        let membership: Membership
        let loop: CatchUpLoop
        let log: LogCapture
        var gate: CatchUpGate { self.plane.catchUpGate }
    }

    private struct NoNews: DataPlaneNews {
        func breakerMoved(_ key: InstanceKey, to phase: BreakerPhase, trips: Int) {}
    }

    private func withParts(_ body: @Sendable (Parts) async throws -> Void) async throws {
        let fixture = try await RedisFixture.start()
        let log = LogCapture()
        let logger = log.logger()
        let plane = DataPlane(
            settings: DataPlaneSettings(replicaID: "r1"),
            group: MultiThreadedEventLoopGroup.singleton,
            news: NoNews(),
            logger: logger
        )
        try await fixture.withClient(library: ClusterState.library, configure: { $0.commandTimeout = .seconds(1) }) {
            redis in
            let state = ClusterState(redis: redis, namespace: "mm")
            let holder = SnapshotHolder()
            let membership = Samples.membership(lease: .seconds(6), state: state, logger: logger)
            let loop = CatchUpLoop(
                membership: membership,
                state: state,
                holder: holder,
                gate: plane.catchUpGate,
                logger: logger
            )
            let parts = Parts(
                redis: fixture,
                state: state,
                plane: plane,
                holder: holder,
                membership: membership,
                loop: loop,
                log: log
            )
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await membership.run() }
                group.addTask { try await loop.run() }
                try await body(parts)
                group.cancelAll()
            }
        }
        await fixture.stop()
    }

    @Test func `begins when the replica uses what the store had, and not before`() async throws {
        try await self.withParts { parts in
            let definition = try Samples.definition("a")
            let epoch = try await parts.state.register(definition, source: .api, floor: .zero).epoch
            let joined = try await eventually(within: .seconds(20)) { parts.membership.session != nil }
            #expect(joined)
            parts.membership.announce()
            #expect(parts.gate.isOpen, "nothing is known yet")
            parts.holder.publish(RegistrySnapshot(epoch: epoch, services: [], pointers: [:]))
            let serves = try await eventually(within: .seconds(20)) { !parts.gate.isOpen }
            #expect(serves)
            #expect(parts.loop.cutOffSince == nil)
        }
    }

    @Test func `is not needed while the store is away, which is said, and is asked for when it is back`() async throws {
        try await self.withParts { parts in
            parts.holder.publish(RegistrySnapshot(epoch: .zero, services: [], pointers: [:]))
            let serves = try await eventually(within: .seconds(20)) { !parts.gate.isOpen }
            #expect(serves)
            parts.redis.signal(19)  // SIGSTOP
            let goesOn = try await eventually(within: .seconds(20)) { parts.gate.isOpen }
            #expect(goesOn)
            let isSaid = try await eventually(within: .seconds(20)) { parts.loop.cutOffSince != nil }
            #expect(isSaid)
            let isExplained = try await eventually(within: .seconds(20)) {
                parts.log.entries.contains {
                    $0.level == .warning && $0.metadata["mm.error"]?.contains("no reply") == true
                }
            }
            #expect(isExplained, "\(parts.log.entries)")
            parts.redis.signal(18)  // SIGCONT
            let isBack = try await eventually(within: .seconds(20)) {
                !parts.gate.isOpen && parts.loop.cutOffSince == nil
            }
            #expect(isBack)
        }
    }
}
