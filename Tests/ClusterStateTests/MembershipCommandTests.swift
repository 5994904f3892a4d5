import ClusterState
import ManagerTesting
import RedisClient
import Registry
import Testing

@Suite struct `A replica's commands` {
    @Test func `beat, and see everybody and the leader`() async throws {
        try await withState { state in
            #expect(try await state.beat("r2.a", for: .seconds(6), sentAt: .max, Samples.status) == .lapsed)
            guard case .opened(let first) = try await state.beat("r2.a", for: .seconds(6), sentAt: nil, Samples.status)
            else { throw StateSurprise() }
            #expect(first.leader.holder == nil)
            #expect(first.replicas.map(\.id) == ["r2"])
            #expect(first.replicas[0].status == Samples.status)
            _ = try await state.lead(as: "r2.boot")
            guard case .opened(let second) = try await state.beat("r1.a", for: .seconds(6), sentAt: nil, Samples.status)
            else { throw StateSurprise() }
            #expect(second.replicas.map(\.id) == ["r1", "r2"])
            #expect(second.leader.holder == "r2.boot")
            #expect(second.leader.remaining > .seconds(4))
            try await state.endSession("r2.a")
            guard
                case .extended(let third) = try await state.beat("r1.a", for: .seconds(6), sentAt: nil, Samples.status)
            else { throw StateSurprise() }
            #expect(third.replicas.map(\.id) == ["r1"])
        }
    }

    @Test func `campaign, hold and resign`() async throws {
        try await withState { state in
            let lease = Duration.seconds(6)
            let unknown = try await state.campaign(as: "r1.a", for: lease, sentAt: nil)
            #expect(unknown.status == .late)
            #expect(unknown.leader.holder == nil)
            let first = try await state.campaign(as: "r1.a", for: lease, sentAt: unknown.leaseClock - 1000)
            #expect(first.status == .taken)
            #expect(first.leader.remaining <= .seconds(5), "a second under way")
            let second = try await state.campaign(as: "r1.a", for: lease, sentAt: .max)
            #expect(second.status == .renewed)
            #expect(second.leader == LeaderSight(holder: "r1.a", term: first.leader.term, remaining: lease))
            let other = try await state.campaign(as: "r2.a", for: lease, sentAt: .max)
            #expect(other.status == .held)
            #expect(other.leader.holder == "r1.a")
            #expect(other.leader.term == first.leader.term)
            try await state.resign(as: "r1.a")
            #expect(try await state.lead(as: "r2.a") > first.leader.term)
        }
    }

    @Test func `write as a leader until another one is chosen`() async throws {
        try await withState { state in
            let definition = try Samples.definition("fenced")
            let term = try await state.lead(as: "r1.a")
            let leader = state.leading(under: term)
            var lasting = definition
            lasting.lease = .milliseconds(1)
            _ = try await leader.register(lasting, source: .file, floor: .zero)
            #expect(try await eventually(within: .seconds(5)) { try await leader.expire() == [definition.id] })
            try await state.resign(as: "r1.a")
            _ = try await state.lead(as: "r2.a")
            let refused = await #expect(throws: StateError.self) {
                try await leader.register(definition, source: .file, floor: .zero)
            }
            #expect(refused?.code == .deposed)
            #expect(try await state.service(definition.id) == nil)
        }
    }

    @Test func `lease permits of several instances in one call`() async throws {
        try await withState { state in
            let asks = [try Samples.ask("a", number: 1, want: 2), try Samples.ask("b", number: 1, want: 9)]
            // Grants begin a quarter of the first lease after it began: at once.
            _ = try await state.beat("r0.a", for: .milliseconds(1), sentAt: nil, Samples.status)
            #expect(try await state.leasePermits(asks, session: "r1.a") == nil)
            _ = try await state.beat("r1.a", for: .seconds(6), sentAt: nil, Samples.status)
            #expect(
                try await state.leasePermits(asks, session: "r1.a") == [
                    .held(.init(granted: 2, limit: 5, share: 5, number: 1)),
                    .held(.init(granted: 5, limit: 5, share: 5, number: 1)),
                ]
            )
            #expect(try await state.leasePermits(asks, session: "r1.a") == [.stale(number: 1), .stale(number: 1)])
            try await state.forgetPermits(of: asks[0].instance, session: "r1.a")
        }
    }

    @Test func `take tickets of several pools in one call`() async throws {
        try await withState { state in
            let first = try await state.ticketBlocks([(pool: "p", count: 8), (pool: "q", count: 1)])
            #expect(first == [0, 0])
            let second = try await state.ticketBlocks([(pool: "q", count: 1), (pool: "p", count: 8)])
            #expect(second == [1, 8])
        }
    }

    @Test func `hear signals, also after Redis lost them`() async throws {
        let fixture = try await RedisFixture.shared()
        let namespace = fixture.prefix()
        try await fixture.withClient(purpose: .blockingReads) { reader in
            try await fixture.withClient(library: ClusterState.library) { redis in
                let state = ClusterState(redis: redis, namespace: namespace)
                let feed = SignalFeed(redis: reader, namespace: namespace)
                let place = try await feed.end()
                async let heard = feed.signals(after: place, within: .seconds(5))
                let term = try await state.lead(as: "r1.a")
                let first = try await heard
                #expect(first.signals == [.elected(holder: "r1.a", term)])
                _ = try await redis.send(["DEL", RedisWord(state.keys.signals)])
                let early: [RedisWord] = ["XADD", RedisWord(state.keys.signals), "5-1"]
                _ = try await redis.send(early + ["kind", "news", "subject", "s", "detail", ""])
                let silent = try await feed.signals(after: first.place, within: .milliseconds(10))
                #expect(silent.signals.isEmpty)
                _ = try await redis.send(["XADD", RedisWord(state.keys.signals), "5-2", "kind", "news", "subject", "t"])
                let second = try await feed.signals(after: silent.place, within: .seconds(5))
                #expect(second.signals == [.other(kind: "news", subject: "t", detail: "")])
            }
        }
    }
}

/// A reply was of another kind than the test needs to go on.
struct StateSurprise: Error {}
