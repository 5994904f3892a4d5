import ClusterState
import ControlLoops
import Foundation
import Glibc
import Logging
import ManagerTesting
import NIOPosix
import RedisClient
import Registry
import Synchronization
import Testing

/// Followers and the real functions on a real Redis.
@Suite struct `A follower` {
    @Test func `shows a change of another replica, and its own before the log does`() async throws {
        let fixture = try await RedisFixture.shared()
        let namespace = fixture.prefix()
        try await FollowerReplica.run(fixture, namespace) { first in
            try await FollowerReplica.run(fixture, namespace) { second in
                let epoch = try await first.register("a")
                #expect(await second.holder.waitForEpoch(epoch, within: .seconds(60)))
                #expect(second.holder.current.services.map(\.epoch) == [epoch])
                let removed = try await second.state.remove(try FollowerReplica.id("a"), floor: second.follower.floor)
                second.follower.note(removed.entry)
                #expect(await second.holder.waitForEpoch(removed.epoch, within: .seconds(60)))
                #expect(await first.holder.waitForEpoch(removed.epoch, within: .seconds(60)))
                #expect(first.holder.current.services.isEmpty)
            }
        }
    }

    @Test func `is told of a change by the log, and would else learn it seconds later, by comparing`() async throws {
        let told = try await Self.fastest(namespaceOfFeed: nil)
        let compared = try await Self.fastest(namespaceOfFeed: "elsewhere")
        #expect(told < .seconds(1) && told < compared, "told after \(told)")
        #expect(compared > .seconds(1), "the test would not notice: \(compared)")
    }

    /// The shortest of three times from the beginning of a change until a follower uses it; its feed may be of another
    /// registry, where nothing happens. A busy machine makes some longer.
    private static func fastest(namespaceOfFeed: String?) async throws -> Duration {
        let fixture = try await RedisFixture.shared()
        let namespace = fixture.prefix()
        let times = Mutex<[Duration]>([])
        try await FollowerReplica.run(fixture, namespace) { writer in
            try await FollowerReplica.run(fixture, namespace, feed: namespaceOfFeed.map { namespace + $0 }) { reader in
                // The first one comes at any time between two comparisons, each other right after one.
                for number in 0..<4 {
                    let began = ContinuousClock.now
                    let epoch = try await writer.register("s\(number)")
                    #expect(await reader.holder.waitForEpoch(epoch, within: .seconds(20)))
                    if number > 0 { times.withLock { $0.append(ContinuousClock.now - began) } }
                }
            }
        }
        return times.withLock { $0.min() } ?? .zero
    }

    @Test func `learns everything at its start, more than one page of it`() async throws {
        let fixture = try await RedisFixture.shared()
        let namespace = fixture.prefix()
        try await FollowerReplica.run(fixture, namespace) { first in
            for number in 0..<450 { try await first.register("s\(number)") }
            try await FollowerReplica.run(fixture, namespace) { second in
                try await expectEventually { second.holder.current.services.count == 450 }
                #expect(second.holder.current.services == first.holder.current.services)
            }
        }
    }

    @Test func `goes on when the log was trimmed behind its back`() async throws {
        let fixture = try await RedisFixture.start()
        try await FollowerReplica.run(fixture, "trimmed") { replica in
            try await replica.register("a")
            try await fixture.withClient { redis in
                _ = try await redis.send(["XTRIM", RedisWord(replica.state.keys.log), "MAXLEN", "0"])
            }
            let epoch = try await replica.register("b")
            #expect(await replica.holder.waitForEpoch(epoch, within: .seconds(60)))
            #expect(replica.holder.current.services.count == 2)
        }
        await fixture.stop()
    }

    @Test func `calls Redis followed once it has read it, and not away because a waiting read ended`() async throws {
        let fixture = try await RedisFixture.start()
        let log = LogCapture()
        try await FollowerReplica.run(fixture, "read") { try await $0.register("a") }
        try await FollowerReplica.run(fixture, "read", logger: log.logger()) { replica in
            try await expectEventually { log.entries.contains { $0.message == "redis is followed" } }
            try await expectEventually { try await Self.endsWaitingRead(fixture) }
            // The next read, by another connection, shows that the follower has gone on.
            try await expectEventually { try await Self.endsWaitingRead(fixture) }
            try await replica.register("b")
            let said = log.entries.filter { $0.message.contains("redis is") }
            #expect(said.map(\.message) == ["redis is followed"])
            #expect(said.first?.metadata["mm.epoch"] != "0", "its registry is not empty")
        }
        await fixture.stop()
    }

    /// Whether there was one.
    private static func endsWaitingRead(_ fixture: RedisFixture) async throws -> Bool {
        let isEnded = Mutex(false)
        try await fixture.withClient { redis in
            let clients = try await redis.send(["CLIENT", "LIST"]).string ?? ""
            let reader = clients.split(separator: "\n").first { $0.contains("cmd=xread") }
            guard let word = reader?.split(separator: " ").first, word.hasPrefix("id=") else { return }
            _ = try await redis.send(["CLIENT", "KILL", "ID", RedisWord(String(word.dropFirst(3)))])
            isEnded.withLock { $0 = true }
        }
        return isEnded.withLock { $0 }
    }

    @Test func `gives back what an emptied Redis lost, while its snapshot stays whole`() async throws {
        let fixture = try await RedisFixture.start()
        try await FollowerReplica.run(fixture, "emptied") { replica in
            for number in 0..<300 { try await replica.register("s\(number)") }
            let before = replica.holder.current.services
            let smallest = Mutex(before.count)
            replica.holder.subscribe { snapshot in
                smallest.withLock { $0 = min($0, snapshot.services.count) }
            }
            try await fixture.withClient { redis in
                _ = try await redis.send(["FLUSHALL"])
                try await expectEventually {
                    try await redis.send(["ZCARD", RedisWord(replica.state.keys.services)]) == .integer(300)
                }
            }
            let restored = try await replica.state.service(before[7].id)
            #expect(restored == before[7], "with the stamps it always had")
            #expect(smallest.withLock { $0 } == before.count, "no snapshot lacked a service")
        }
        await fixture.stop()
    }

    @Test func `gives back what an older Redis lacks, and takes out what was removed since`() async throws {
        let fixture = try await RedisFixture.start()
        try await FollowerReplica.run(fixture, "older") { replica in
            for id in ["a", "b"] { try await replica.register(id) }
            try await fixture.withClient { _ = try await $0.send(["SAVE"], within: .seconds(20)) }
            try await replica.register("c")
            let removed = try await replica.state.remove(try FollowerReplica.id("a"), floor: replica.follower.floor)
            replica.follower.note(removed.entry)
            try await expectEventually { replica.holder.current.services.map(\.id.text) == ["b", "c"] }
            let surprises = Mutex([[String]]())
            replica.holder.subscribe { snapshot in
                let ids = snapshot.services.map(\.id.text)
                if ids != ["b", "c"] { surprises.withLock { $0.append(ids) } }
            }
            try await fixture.restart()
            try await fixture.withClient { redis in
                let key = RedisWord(replica.state.keys.services)
                try await expectEventually {
                    try await redis.send(["ZRANGE", key, "0", "-1"]).array?.compactMap(\.string).sorted() == ["b", "c"]
                }
            }
            #expect(surprises.withLock { $0 } == [], "no snapshot lacked the new one or had the removed one")
        }
        await fixture.stop()
    }

    @Test func `puts its own table of keys into a Redis that an older version used`() async throws {
        let fixture = try await RedisFixture.shared()
        let namespace = fixture.prefix()
        try await FollowerReplica.run(fixture, namespace) { first in
            try await fixture.withClient { redis in
                let key = RedisWord(first.state.keys.help)
                _ = try await redis.send(["SET", key, "the table of an older version"])
                try await FollowerReplica.run(fixture, namespace) { _ in
                    try await expectEventually {
                        try await redis.send(["GET", key]).string == KeyTable.help(first.state.keys)
                    }
                }
            }
        }
    }

    @Test func `follows again after Redis was killed and came back`() async throws {
        let fixture = try await RedisFixture.start(["--appendonly", "yes"])
        try await FollowerReplica.run(fixture, "killed") { replica in
            try await replica.register("a")
            fixture.signal(SIGKILL)
            await fixture.waitForExit()
            try await expectEventually { replica.contact.staleness != nil }
            #expect(replica.holder.current.services.count == 1, "the last snapshot is kept")
            try await fixture.launchAgain()
            try await expectEventually { replica.contact.staleness == nil }
            let epoch = try await replica.register("b")
            #expect(await replica.holder.waitForEpoch(epoch, within: .seconds(60)))
            #expect(replica.holder.current.services.count == 2)
        }
        await fixture.stop()
    }

    @Test func `keeps the last good form of a record that cannot be read`() async throws {
        let fixture = try await RedisFixture.shared()
        try await FollowerReplica.run(fixture, fixture.prefix()) { replica in
            try await replica.register("a")
            let id = try FollowerReplica.id("a")
            let keys = replica.state.keys
            try await fixture.withClient(library: ClusterState.library) { redis in
                let words = ["a", "0", "", "t", "weight", "heavy"].map { RedisWord($0) }
                _ = try await redis.call("service_patch", keys: [keys.prefix], arguments: words)
            }
            let epoch = try await replica.register("b")
            #expect(await replica.holder.waitForEpoch(epoch, within: .seconds(60)))
            #expect(replica.holder.current[id]?.definition.weight == 100)
        }
    }

    @Test func `serves what it kept on disk when Redis is away at the start`() async throws {
        let fixture = try await RedisFixture.start()
        let path = "\(NSTemporaryDirectory())follower-\(UUID().uuidString).json"
        defer { unlink(path) }
        try await FollowerReplica.run(fixture, "kept", disk: DiskSnapshot(path: path)) { replica in
            let epoch = try await replica.register("a")
            #expect(await replica.holder.waitForEpoch(epoch, within: .seconds(60)))
        }
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        await fixture.stop()
        try await FollowerReplica.run(fixture, "kept", disk: DiskSnapshot(path: path), isConnected: false) { replica in
            try await expectEventually { replica.holder.isLoaded }
            #expect(replica.holder.current.services.map(\.id.text) == ["a"])
            #expect(replica.contact.staleness != nil)
        }
    }
}

/// Fails when it does not come true.
private func expectEventually(
    _ holds: @Sendable () async throws -> Bool,
    sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    let didHold = try await eventually(within: .seconds(10), holds)
    #expect(didHold, sourceLocation: sourceLocation)
}

/// What a replica has of the registry, running.
struct FollowerReplica: Sendable {
    let state: ClusterState
    let follower: Follower
    let holder: SnapshotHolder
    let contact: StoreContact

    static func run(
        _ fixture: RedisFixture,
        _ namespace: String,
        through proxy: ChaosProxy? = nil,
        feed: String? = nil,
        disk: DiskSnapshot? = nil,
        isConnected: Bool = true,
        logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        _ body: @Sendable (FollowerReplica) async throws -> Void
    ) async throws {
        var configuration = proxy?.redisConfiguration ?? fixture.configuration
        // A slow machine is not a Redis that hangs; behind a proxy one may hang, and is to be found out.
        configuration.commandTimeout = proxy == nil ? .seconds(20) : .seconds(2)
        let commands = Redis(
            configuration: configuration,
            group: MultiThreadedEventLoopGroup.singleton,
            logger: logger,
            library: ClusterState.library
        )
        let reads = Redis(
            configuration: configuration,
            group: MultiThreadedEventLoopGroup.singleton,
            logger: logger,
            purpose: .blockingReads
        )
        let state = ClusterState(redis: commands, namespace: namespace)
        let replica = Self(state, ChangeFeed(redis: reads, namespace: feed ?? namespace), disk, logger)
        try await commands.whileRunning { _ in
            try await reads.whileRunning { _ in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await replica.follower.run() }
                    if isConnected {
                        try await expectEventually { replica.holder.isLoaded }
                    }
                    try await body(replica)
                    group.cancelAll()
                    try await group.waitForAll()
                }
            }
        }
    }

    private init(_ state: ClusterState, _ feed: ChangeFeed, _ disk: DiskSnapshot?, _ logger: Logger) {
        self.state = state
        self.holder = SnapshotHolder()
        self.contact = StoreContact()
        self.follower = Follower(
            state: state,
            feed: feed,
            holder: self.holder,
            contact: self.contact,
            disk: disk,
            logger: logger
        )
    }

    /// Registers as the API does, and returns when this replica uses it.
    @discardableResult
    func register(_ id: String) async throws -> Epoch {
        let definition = ServiceDefinition(
            id: try Self.id(id),
            url: try ServiceURL("http://\(id):8000"),
            modelType: try #require(ModelType("LSTM"))
        )
        let committed = try await self.state.register(definition, source: .api, floor: self.follower.floor)
        if let entry = committed.entry { self.follower.note(entry) }
        #expect(await self.holder.waitForEpoch(committed.epoch, within: .seconds(60)))
        return committed.epoch
    }

    static func id(_ text: String) throws -> ServiceID {
        try #require(ServiceID(text))
    }
}
