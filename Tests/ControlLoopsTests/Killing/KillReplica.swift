import ClusterState
import ControlLoops
import Decisions
import Logging
import ManagerTesting
import NIOPosix
import RedisClient
import Registry
import Testing

/// All loops of one replica that carry versions and jobs on, behind a kill switch: it leads, follows the registry, reports
/// traffic and runs jobs.
struct KillReplica: Sendable {
    let state: ClusterState
    let holder = SnapshotHolder()
    let membership: Membership
    private let loops: [@Sendable () async throws -> Void]

    /// Two connections that wait, for the log and for signals.
    typealias Readers = (Redis, Redis)

    private init(
        _ name: String,
        _ redis: Redis,
        _ readers: Readers,
        _ world: (namespace: String, services: KillServices, kill: KillSwitch),
        term: Term
    ) {
        let logger = Logger(label: name) { _ in SwiftLogNoOpLogHandler() }
        let (state, holder) = (ClusterState(redis: redis, namespace: world.namespace, actor: name), self.holder)
        self.state = state
        let membership = Membership(
            replica: name,
            boot: "b",
            lease: .seconds(60),
            state: state,
            status: { Self.report(name, holder.current.epoch) },
            logger: logger
        )
        self.membership = membership
        holder.subscribe { _ in membership.announce() }
        let follower = Follower(
            state: state,
            feed: ChangeFeed(redis: readers.0, namespace: world.namespace),
            holder: holder,
            contact: StoreContact(),
            disk: nil,
            logger: logger
        )
        let port = KillPort(services: world.services, kill: world.kill, holder: holder)
        let signals = SignalListener(feed: SignalFeed(redis: readers.1, namespace: world.namespace), logger: logger)
        let parts = LeaderParts(
            holder: holder,
            state: state,
            leadership: FakeLeadership(term),
            note: { follower.note($0) }
        )
        let deployments = DeploymentLoop(parts: parts, port: port, logger: logger)
        let retirements = RetirementLoop(parts: parts, port: port, logger: logger)
        let rollouts = RolloutLoop(parts: parts, logger: logger)
        let reporter = TrafficReporter(
            port: port,
            membership: membership,
            holder: holder,
            state: state,
            logger: logger
        )
        let runner = JobRunner(
            state: state,
            membership: membership,
            signals: signals,
            port: port,
            snapshot: { holder.current },
            timeout: .seconds(5),
            policy: JobBench.quick,
            logger: logger
        )
        self.loops = [
            { try await membership.run() }, { try await signals.run() }, { try await follower.run() },
            { try await deployments.run() }, { try await retirements.run() }, { try await rollouts.run() },
            { try await reporter.run() }, { try await runner.run() },
        ]
    }

    private static func report(_ name: String, _ epoch: Epoch) -> ReplicaReport {
        ReplicaReport(
            epoch: epoch,
            inFlight: 0,
            startedAt: Timestamp(milliseconds: 1),
            version: "1",
            address: "\(name):1"
        )
    }

    /// Runs a replica for as long as `body` takes; then it is gone, and what it says as its last words is not heard when
    /// it was killed.
    static func run<Result: Sendable>(
        _ name: String,
        before fixture: RedisFixture,
        _ library: RedisLibrary,
        _ world: (namespace: String, services: KillServices, kill: KillSwitch),
        term: Term,
        _ body: @Sendable (KillReplica) async throws -> Result
    ) async throws -> Result {
        let proxy = try await ChaosProxy.start(before: fixture, gate: world.kill)
        var configuration = proxy.redisConfiguration
        configuration.commandTimeout = .seconds(5)
        let redis = Redis(
            configuration: configuration,
            group: MultiThreadedEventLoopGroup.singleton,
            logger: Logger(label: name) { _ in SwiftLogNoOpLogHandler() },
            library: library
        )
        let result = try await redis.whileRunning { redis in
            try await redis.waitConnected(within: .seconds(20))
            return try await fixture.withClient(purpose: .blockingReads) { log in
                try await fixture.withClient(purpose: .blockingReads) { signals in
                    let replica = KillReplica(name, redis, (log, signals), world, term: term)
                    return try await withThrowingTaskGroup(of: Void.self) { group in
                        for loop in replica.loops { group.addTask { try await loop() } }
                        defer { group.cancelAll() }
                        #expect(try await eventually(within: .seconds(60)) { replica.holder.isLoaded })
                        return try await body(replica)
                    }
                }
            }
        }
        await proxy.stop()
        return result
    }
}
