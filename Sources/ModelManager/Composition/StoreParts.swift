import ClusterState
import ControlLoops
import Foundation
import Logging
import NIOPosix
import RedisClient
import Registry
import ServiceLifecycle

/// What a replica has of the shared truth: the connections, the typed face, and the snapshot that follows it.
struct StoreParts {
    let redis: Redis
    let state: ClusterState
    let follower: Follower
    let holder = SnapshotHolder()
    let contact = StoreContact()
    let signalFeed: SignalFeed
    /// Nil when a replica of a shared Redis has no directory it may write; it can do without.
    let directoryLock: DirectoryLock?
    /// Where loops of short steps run.
    let thread: ControlThread
    /// In the order in which they start.
    let services: [any ServiceLifecycle.Service]

    /// A private Redis is started when the configuration names none.
    init(_ configuration: ReplicaConfiguration, group: MultiThreadedEventLoopGroup, logger: Logger) throws {
        self.thread = ControlThread(group.next())
        var first: [any ServiceLifecycle.Service] = []
        var redisConfiguration: RedisConfiguration
        if let url = configuration.redisURL {
            redisConfiguration = try RedisConfiguration(url: url)
            try? FileManager.default.createDirectory(
                atPath: configuration.dataDirectory,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
            self.directoryLock = try Self.lock(configuration.dataDirectory)
        } else {
            let own = try PrivateRedis(directory: configuration.dataDirectory, logger: logger)
            redisConfiguration = own.configuration
            self.directoryLock = own.lock
            first.append(own)
        }
        redisConfiguration.clientName = "mm-\(configuration.replicaID)"
        self.redis = Redis(
            configuration: redisConfiguration,
            group: group,
            logger: logger,
            library: ClusterState.library
        )
        let reads = Self.blockingReads(beside: self.redis, group, logger)
        let changes = configuration.redisReplicas > 0 ? Self.changes(beside: self.redis, group, logger) : nil
        self.state = ClusterState(
            redis: self.redis,
            namespace: configuration.redisKeyPrefix,
            actor: configuration.replicaID,
            changes: changes.map { ($0, configuration.redisReplicas) },
            fullness: FullStore { FullStoreLog(logger: logger).say($0) }
        )
        self.follower = Follower(
            state: self.state,
            feed: ChangeFeed(redis: reads, namespace: configuration.redisKeyPrefix),
            holder: self.holder,
            contact: self.contact,
            disk: DiskSnapshot(path: "\(configuration.dataDirectory)/snapshot.json"),
            logger: logger
        )
        let signals = Self.blockingReads(beside: self.redis, group, logger)
        self.signalFeed = SignalFeed(redis: signals, namespace: configuration.redisKeyPrefix)
        self.services = first + [self.redis, reads, signals] + (changes.map { [$0] } ?? []) + [self.follower]
    }

    /// Two replicas would keep their snapshots in one file.
    private static func lock(_ directory: String) throws(PrivateRedisError) -> DirectoryLock? {
        do throws(PrivateRedisError) {
            return try DirectoryLock(directory: directory)
        } catch {
            guard error.code != .directoryInUse else { throw error }
            return nil
        }
    }

    private static func blockingReads(
        beside redis: Redis,
        _ group: MultiThreadedEventLoopGroup,
        _ logger: Logger
    ) -> Redis {
        let purpose = Redis.Purpose.blockingReads
        return Redis(configuration: redis.configuration, group: group, logger: logger, purpose: purpose, beside: redis)
    }

    /// A connection for changes alone when they are to wait for Redis replicas: a wait holds up what is behind it.
    private static func changes(
        beside redis: Redis,
        _ group: MultiThreadedEventLoopGroup,
        _ logger: Logger
    ) -> Redis {
        Redis(
            configuration: redis.configuration,
            group: group,
            logger: logger,
            library: ClusterState.library,
            beside: redis
        )
    }
}
