import ClusterState
import ControlLoops
import Foundation
import Gateway
import Logging
import ManagerAPI
import NIOCore
import NIOPosix
import RedisClient
import Registry
import ServiceLifecycle

/// The only wiring: every part of one replica is made here and given the others it needs.
///
/// The order of the services is the order in which they start, and the reverse of the order in which they end: the
/// store first, what follows it, what acts by itself, and last the life that callers see, so that the last request
/// still finds all of it.
struct Replica {
    private let configuration: ReplicaConfiguration
    private let logger: Logger
    private let store: StoreParts
    private let dataPlane: DataPlane
    private let condition: ReplicaCondition
    private let presence: MembershipParts.Presence
    private let members: MembershipParts
    private let breakers: BreakerParts
    private let jobs: JobParts
    private let discovery: DiscoveryParts
    private let controlLoops: MultiThreadedEventLoopGroup
    private let dataLoops: MultiThreadedEventLoopGroup

    /// Throws `PrivateRedisError` or `RedisError` when there cannot be a store.
    init(_ configuration: ReplicaConfiguration, logger: Logger) async throws {
        self.configuration = configuration
        var logger = logger
        logger[metadataKey: "mm.replica"] = "\(configuration.replicaID)"
        self.logger = logger
        self.controlLoops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        self.dataLoops = MultiThreadedEventLoopGroup(numberOfThreads: configuration.eventLoops)
        self.store = try StoreParts(configuration, group: self.controlLoops, logger: logger)
        let lock = self.store.directoryLock
        self.condition = ReplicaCondition(onDraining: { lock?.noteLeaving() })
        self.dataPlane = DataPlane(
            settings: configuration.dataPlane,
            group: self.dataLoops,
            news: BreakerNewsLog(logger: logger),
            logger: logger
        )
        self.presence = MembershipParts.Presence(
            identity: ReplicaIdentity(
                id: configuration.replicaID,
                version: ProgramVersion.text,
                startedAt: LoopTime.system.wall()
            ),
            dataPlane: self.dataPlane,
            condition: self.condition
        )
        self.members = MembershipParts(configuration, store: self.store, self: self.presence, logger: logger)
        self.jobs = JobParts(
            configuration,
            store: self.store,
            members: self.members,
            dataPlane: self.dataPlane,
            logger: logger
        )
        self.discovery = DiscoveryParts(
            configuration,
            store: self.store,
            members: self.members,
            dataPlane: self.dataPlane,
            logger: logger
        )
        self.breakers = BreakerParts(
            configuration,
            store: self.store,
            members: self.members,
            dataPlane: self.dataPlane,
            logger: logger
        )
    }

    /// Runs until the replica has left. Throws `ReplicaFailure` when it could not run or leave well.
    func run() async throws {
        let (prober, served) = (self.prober(), self.servedReporter())
        self.follow(with: prober)
        let face = self.face(prober, served)
        let door = HummingbirdDoor(face: face, logger: self.logger)
        let own: [any ServiceLifecycle.Service] =
            self.probeDoor(face) + self.store.services
            + self.store.thread.keep(
                self.members.services + self.breakers.services + self.limits().services + [served]
                    + self.loops(prober)
            )
            + self.ownLoops() + [DoorService(door: door)]
        var members = own.map { ServiceGroupConfiguration.ServiceConfiguration(service: $0) }
        members.append(
            .init(
                service: self.lifecycle(door),
                successTerminationBehavior: .gracefullyShutdownGroup,
                failureTerminationBehavior: .gracefullyShutdownGroup
            )
        )
        var group = ServiceGroupConfiguration(services: members, logger: self.logger)
        group.maximumGracefulShutdownDuration = .seconds(15)
        try await ServiceGroup(configuration: group).run()
        try? await self.dataLoops.shutdownGracefully()
        try? await self.controlLoops.shutdownGracefully()
    }

    private func limits() -> LimitParts {
        LimitParts(
            self.configuration,
            dataPlane: self.dataPlane,
            store: self.store,
            members: self.members,
            logger: self.logger
        )
    }

    private func servedReporter() -> ServedReporter {
        ServedReporter(
            port: self.dataPlane,
            membership: self.members.membership,
            state: self.store.state,
            time: self.store.thread.time,
            logger: self.logger
        )
    }

    private func prober() -> Prober {
        var random = SystemRandomNumberGenerator()
        return Prober(
            replica: self.configuration.replicaID,
            interval: self.configuration.healthCheckInterval,
            port: self.dataPlane,
            sharing: ProbeSharing(
                state: self.store.state,
                membership: self.members.membership,
                signals: self.members.signals
            ),
            time: self.store.thread.time,
            seed: random.next(),
            logger: self.logger
        )
    }

    /// Each new snapshot goes to the data plane first: who waits for an epoch may send a request at once.
    private func follow(with prober: Prober) {
        let (dataPlane, store, reporter) = (self.dataPlane, self.store, self.breakers.reporter)
        store.holder.subscribe { snapshot in
            dataPlane.apply(snapshot)
            prober.apply(snapshot)
            reporter.apply(snapshot)
        }
    }

    private func loops(_ prober: Prober) -> [any ServiceLifecycle.Service] {
        let loops: [any ServiceLifecycle.Service] = [
            prober,
            LeaseSweep(
                leases: LeaseExpiry(state: self.store.state),
                leadership: self.members.campaign,
                time: self.store.thread.time,
                logger: self.logger
            ),
            StalenessMark(
                contact: self.store.contact,
                catchUp: self.members.catchUp,
                dataPlane: self.dataPlane,
                time: self.store.thread.time
            ),
        ]
        return loops + self.models.loops(self.logger)
    }

    private var models: ModelParts {
        ModelParts(
            store: self.store,
            members: self.members,
            dataPlane: self.dataPlane,
            timeout: self.configuration.dataPlane.timeout
        )
    }

    /// They read files and long answers or reckon for long, so they stay with the runtime's threads.
    private func ownLoops() -> [any ServiceLifecycle.Service] {
        var loops: [any ServiceLifecycle.Service] = [self.discovery.loop] + self.models.readers(self.logger)
        if let file = self.configuration.servicesFile {
            loops.append(
                ServicesFileLoop(
                    path: file,
                    registry: FileCommands(store: self.store),
                    leadership: self.members.campaign,
                    logger: self.logger
                )
            )
        }
        if let path = self.configuration.tokensFile {
            loops.append(ServiceTokensLoop(path: path, dataPlane: self.dataPlane, logger: self.logger))
        }
        return loops + self.jobs.services
    }

    private func face(_ prober: Prober, _ served: ServedReporter) -> ManagerFace {
        let time = LoopTime.system
        var ports = FacePorts(
            commands: StoreCommands(store: self.store),
            snapshots: self.store.holder.reads,
            traffic: self.dataPlane,
            health: ProbeReports(prober: prober, state: self.store.state),
            store: StoreReport(
                redis: self.store.redis,
                contact: self.store.contact,
                catchUp: self.members.catchUp
            ),
            cluster: SeenCluster(
                presence: self.presence,
                members: self.members,
                served: served,
                holder: self.store.holder
            ),
            events: StoredEvents(store: self.store),
            replica: self.condition,
            clocks: ReplicaClocks(monotonic: time.now, wall: time.wall, sleep: time.sleep)
        )
        ports.jobs = self.jobs.board
        ports.models = StoreModels(store: self.store)
        ports.discovery = SweepReports(loop: self.discovery.loop)
        var settings = FaceSettings()
        settings.bodyBytesMax = self.configuration.dataPlane.bodyBytesMax
        settings.formBytesMax = min(settings.formBytesMax, settings.bodyBytesMax)
        settings.timeout = self.configuration.dataPlane.timeout
        return ManagerFace(ports: ports, identity: self.presence.identity, settings: settings, logger: self.logger)
    }

    /// Starts first and ends last: as long as the process lives, it can be asked whether it does.
    private func probeDoor(_ face: ManagerFace) -> [any ServiceLifecycle.Service] {
        guard let port = self.configuration.probePort else { return [] }
        let door = ProbeDoor(
            face: face,
            host: self.configuration.apiHost,
            port: port,
            group: self.controlLoops,
            logger: self.logger
        )
        return [ProbeListener(door: door, port: port)]
    }

    private func lifecycle(_ door: HummingbirdDoor) -> ReplicaLifecycle {
        let (holder, redis, members) = (self.store.holder, self.store.redis, self.members)
        return ReplicaLifecycle(
            configuration: self.configuration,
            dataPlane: self.dataPlane,
            door: door,
            condition: self.condition,
            handOver: { await members.beginLeaving() },
            firstSnapshot: { limit in
                let isLoaded = await holder.waitForEpoch(.zero, within: limit)
                if redis.state.isConnected { await members.catchUp.waitUntilCaughtUp(within: .seconds(1)) }
                return isLoaded
            },
            logger: self.logger
        )
    }
}
