import ClusterState
import ControlLoops
import Decisions
import Logging
import ManagerTesting
import NIOPosix
import RedisClient
import Registry
import Testing

/// One replica's services over a real Redis, as the composition wires them.
private struct TestReplica: Sendable {
    let membership: Membership
    let signals: SignalListener
    let campaign: Campaign
    let permits: PermitReserver
    let port: FakePermits

    init(_ id: String, _ redis: Redis, _ reader: Redis, namespace: String, instance: InstanceKey) {
        let logger = Logger(label: id, factory: { _ in SwiftLogNoOpLogHandler() })
        let state = ClusterState(redis: redis, namespace: namespace, actor: id)
        let report = ReplicaReport(
            epoch: Epoch(3),
            inFlight: 0,
            startedAt: Timestamp(milliseconds: 1),
            version: "1",
            address: "\(id):8008"
        )
        self.signals = SignalListener(feed: SignalFeed(redis: reader, namespace: namespace), logger: logger)
        self.membership = Membership(
            replica: id,
            boot: "b",
            lease: .seconds(6),
            state: state,
            status: { report },
            logger: logger
        )
        self.campaign = Campaign(
            candidate: "\(id).b",
            lease: .seconds(6),
            state: state,
            membership: self.membership,
            signals: self.signals,
            logger: logger
        )
        self.port = FakePermits(instance, limit: 3)
        self.permits = PermitReserver(
            onLoss: .hold,
            port: self.port,
            state: state,
            membership: self.membership,
            signals: self.signals,
            logger: logger
        )
    }

    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.membership.run() }
            group.addTask { try await self.signals.run() }
            group.addTask { try await self.campaign.run() }
            group.addTask { try await self.permits.run() }
            try await group.waitForAll()
        }
    }
}

@Suite struct `A replica among others` {
    private let patience = Duration.seconds(10)

    /// Two replicas, `a` and `b`, each with a reading connection of its own.
    private func withReplicas(_ body: (TestReplica, TestReplica) async throws -> Void) async throws {
        let fixture = try await RedisFixture.shared()
        let namespace = fixture.prefix()
        let service = try #require(ServiceID("lstm"))
        let instance = InstanceKey(service: service, url: try ServiceURL("http://lstm:8000"))
        try await fixture.withClient(library: ClusterState.library) { redis in
            try await fixture.withClient(purpose: .blockingReads) { first in
                try await fixture.withClient(purpose: .blockingReads) { second in
                    let a = TestReplica("a", redis, first, namespace: namespace, instance: instance)
                    let b = TestReplica("b", redis, second, namespace: namespace, instance: instance)
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        group.addTask { try await a.run() }
                        group.addTask { try await b.run() }
                        try await body(a, b)
                        group.cancelAll()
                    }
                }
            }
        }
    }

    @Test func `sees the others, leads alone, and hands over within half a second`() async throws {
        try await self.withReplicas { a, b in
            let seen = try await eventually(within: self.patience) {
                a.membership.view.onDuty == ["a", "b"] && b.membership.view.onDuty == ["a", "b"]
            }
            #expect(seen)
            #expect(a.membership.view.place == 0)
            let elected = try await eventually(within: self.patience) { a.campaign.isLeader != b.campaign.isLeader }
            #expect(elected)
            let (leader, follower) = a.campaign.isLeader ? (a, b) : (b, a)
            let term = try #require(leader.campaign.term)
            let left = ContinuousClock.now
            await leader.campaign.leave()
            #expect(!leader.campaign.isLeader)
            let handedOver = try await eventually(within: self.patience) { follower.campaign.isLeader }
            #expect(handedOver)
            // Without the hand-over it takes what is left of a lease of 6 s; half a second is promised of an idle machine.
            #expect(ContinuousClock.now - left < .seconds(3))
            #expect(try #require(follower.campaign.term) > term)
        }
    }

    @Test func `counts itself out when it begins to leave`() async throws {
        try await self.withReplicas { a, b in
            _ = try await eventually(within: self.patience) { b.membership.view.onDuty == ["a", "b"] }
            a.membership.beginLeaving()
            let counted = try await eventually(within: self.patience) { b.membership.view.onDuty == ["b"] }
            #expect(counted)
            #expect(b.membership.view.replicas.map(\.id) == ["a", "b"], "it lives until it has left")
        }
    }

    @Test(.timeLimit(.minutes(1))) func `tells those who still follow it that it has left`() async throws {
        let fixture = try await RedisFixture.shared()
        try await fixture.withClient(library: ClusterState.library) { redis in
            let state = ClusterState(redis: redis, namespace: fixture.prefix())
            let membership = Samples.membership(
                state: state,
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            )
            let views = membership.views()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await membership.run() }
                let hasJoined = try await eventually(within: self.patience) { membership.session != nil }
                #expect(hasJoined)
                group.cancelAll()
            }
            var last: MembershipView?
            for await view in views { last = view }
            #expect(last?.replicas.map(\.id) == ["r1"])
        }
    }

    @Test func `shares the permits of an instance, and passes them on`() async throws {
        try await self.withReplicas { a, b in
            a.port.want(3)
            a.permits.wake()
            let isAlone = try await eventually(within: self.patience) { a.port.inFlight == 3 && !a.port.areWanted }
            #expect(isAlone)
            b.port.want(1)
            b.permits.wake()
            let heard = try await eventually(within: self.patience) { a.port.areWanted }
            #expect(heard, "a heard that b waits")
            #expect(b.port.inFlight == 0)
            a.port.endAll()
            a.permits.wake()
            let passedOn = try await eventually(within: self.patience) { b.port.inFlight == 1 }
            #expect(passedOn)
        }
    }

    /// Else a request that ends in between rings for nobody, and its permit rests until the next tick.
    @Test func `tells the data plane that others wait before it reads what is in flight`() async throws {
        try await self.withReplicas { a, b in
            a.port.want(3)
            a.permits.wake()
            let isAlone = try await eventually(within: self.patience) { a.port.inFlight == 3 && !a.port.areWanted }
            #expect(isAlone)
            a.port.endAll()
            b.port.want(1)
            b.permits.wake()
            let passedOn = try await eventually(within: self.patience) { b.port.inFlight == 1 }
            #expect(passedOn)
            #expect(!a.port.loweredUnawares)
        }
    }

    @Test func `gets tickets for the pools that want some`() async throws {
        let fixture = try await RedisFixture.shared()
        try await fixture.withClient(library: ClusterState.library) { redis in
            let port = FakeTickets()
            let reserver = TicketReserver(
                port: port,
                state: ClusterState(redis: redis, namespace: fixture.prefix()),
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            )
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await reserver.run() }
                for pool in ["p", "q", "p"] {
                    port.want(TicketDemand(pool: pool, count: 2))
                    reserver.wake()
                }
                let all = try await eventually(within: self.patience) {
                    port.got == ["p": [0, 1, 2, 3], "q": [0, 1]]
                }
                #expect(all, "\(port.got)")
                group.cancelAll()
            }
        }
    }
}
