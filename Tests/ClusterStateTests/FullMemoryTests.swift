import ClusterState
import ManagerTesting
import RedisClient
import Registry
import Testing

@Suite struct `A Redis without memory left` {
    @Test func `refuses what makes the registry grow, and ends nobody's lease`() async throws {
        let fixture = try await RedisFixture.start()
        try await fixture.withClient(library: ClusterState.library) { redis in
            let state = ClusterState(redis: redis, namespace: "t")
            var leased = try Samples.definition("leased")
            leased.lease = .seconds(30)
            _ = try await state.register(leased, source: .api, floor: .zero)
            _ = try await state.register(try Samples.definition("lstm"), source: .api, floor: .zero)
            try await Samples.join(state)
            _ = try await redis.send(["CONFIG", "SET", "maxmemory", "1"])

            let error = await #expect(throws: StateError.self) {
                try await state.register(try Samples.definition("new"), source: .api, floor: .zero)
            }
            #expect(error?.underlying?.code == .outOfMemory)
            guard case .extended = try await state.beat("r1.a", for: .seconds(6), sentAt: .max, Samples.status) else {
                throw StateSurprise()
            }
            #expect(try await state.campaign(as: "r1.a", for: .seconds(6), sentAt: .max).status == .renewed)
            let ask = try Samples.ask(number: 2, held: 2, want: 2)
            #expect(try await state.leasePermits([ask], session: "r1.a")?.count == 1)
            _ = try await state.ticketBlocks([(pool: "LSTM/v1/prediction", count: 8)])
            #expect(try await state.heartbeat(leased.id) == .renewed(.seconds(30)))
            _ = try await state.remove(try Samples.id("lstm"), floor: .zero)
            #expect(try await state.service(leased.id) != nil, "what only reads goes on")
        }
        await fixture.stop()
    }

    /// A leader's state, with a service that it saw, one whose lease has run out, and an offline test that waits.
    private func leader(_ redis: Redis) async throws -> (state: ClusterState, term: Term) {
        let state = ClusterState(redis: redis, namespace: "t")
        let term = try await state.lead(as: "r1.a")
        let leading = state.leading(under: term)
        let seen = try Samples.definition("seen")
        _ = try await leading.registerSeen(seen, source: .probe, fingerprint: "1", floor: .zero)
        _ = try await state.register(try Samples.definition("leased"), source: .api, floor: .zero)
        _ = try await redis.send(["ZADD", RedisWord(state.keys.prefix + "leases"), "1", "leased"])
        #expect(try await state.submitEvaluation(try Samples.test()) == .queued)
        _ = try await redis.send(["CONFIG", "SET", "maxmemory", "1"])
        return (state, term)
    }

    @Test func `lets a leader do what frees memory, and nothing else`() async throws {
        let fixture = try await RedisFixture.start()
        try await fixture.withClient(library: ClusterState.library) { redis in
            let (state, term) = try await self.leader(redis)
            let leading = state.leading(under: term)
            let error = await #expect(throws: StateError.self) {
                try await leading.registerSeen(
                    try Samples.definition("new"),
                    source: .probe,
                    fingerprint: "1",
                    floor: .zero
                )
            }
            #expect(error?.underlying?.code == .outOfMemory)
            let removed = try await leading.removeUnseen(try Samples.id("seen"), source: .probe, floor: .zero)
            guard case .done = removed else { throw StateSurprise() }
            #expect(try await leading.expire() == [try Samples.id("leased")])
            let due = try #require(try await state.nextEvaluation(term: term))
            let ended = Timestamp(milliseconds: 1)
            let verdict = Evaluation(id: due.order.id, metric: .accuracy, threshold: 1, endedAt: ended)
            _ = try await state.endEvaluation(due.order, verdict, term: term, floor: .zero)
            #expect(try await state.nextEvaluation(term: term) == nil)
        }
        await fixture.stop()
    }

    /// Two jobs of which the first has a runner, `r1.a`, which then is without memory.
    private func jobs(_ redis: Redis) async throws -> ClusterState {
        let state = ClusterState(redis: redis, namespace: "t")
        try await Samples.join(state)
        for id in ["j1", "j2"] { _ = try await state.submit(try Samples.order(id)) }
        #expect(try await state.claimJobs(1, session: "r1.a", running: [])?.count == 1)
        _ = try await redis.send(["CONFIG", "SET", "maxmemory", "1"])
        return state
    }

    @Test func `takes no new training job, and carries those that it has to their ends`() async throws {
        let fixture = try await RedisFixture.start()
        try await fixture.withClient(library: ClusterState.library) { redis in
            let state = try await self.jobs(redis)
            let error = await #expect(throws: StateError.self) {
                try await state.submit(try Samples.order("j3"))
            }
            #expect(error?.underlying?.code == .outOfMemory)
            let (first, second) = (try #require(JobID("j1")), try #require(JobID("j2")))
            let place = InstanceKey(service: try Samples.id("s"), url: try ServiceURL("http://h:1"))
            #expect(try await state.sendJob(first, to: place, limit: 1, session: "r1.a", []) == .done)
            #expect(try await state.noteJob(first, phase: .watching, session: "r1.a", [.progress(0.5)]) == .done)
            #expect(try await state.endJob(first, .succeeded, detail: "", session: "r1.a", []) == .done)
            #expect(try await state.claimJobs(1, session: "r2.a", running: [])?.map(\.job.id) == [second])
            #expect(try await state.releaseJob(second, after: .zero, session: "r2.a", []) == .done)
            guard case .cancelled = try await state.cancelJob(second) else { throw StateSurprise() }
        }
        await fixture.stop()
    }

    @Test func `would leave them where they are, without the flag of the functions`() async throws {
        let fixture = try await RedisFixture.start()
        let library = try SimulatedCluster.library([("local BOUNDED = { 'allow-oom' }", "local BOUNDED = {}")])
        try await fixture.withClient(library: library) { redis in
            let state = try await self.jobs(redis)
            let id = try #require(JobID("j1"))
            let end = await #expect(throws: StateError.self) {
                try await state.endJob(id, .succeeded, detail: "", session: "r1.a", [])
            }
            #expect(end?.underlying?.code == .outOfMemory)
        }
        await fixture.stop()
    }

    @Test func `would not, without the flag of the functions`() async throws {
        let fixture = try await RedisFixture.start()
        let library = try SimulatedCluster.library([("local BOUNDED = { 'allow-oom' }", "local BOUNDED = {}")])
        try await fixture.withClient(library: library) { redis in
            let (state, term) = try await self.leader(redis)
            let leading = state.leading(under: term)
            let removal = await #expect(throws: StateError.self) {
                try await leading.removeUnseen(try Samples.id("seen"), source: .probe, floor: .zero)
            }
            #expect(removal?.underlying?.code == .outOfMemory)
            let expiry = await #expect(throws: StateError.self) { try await leading.expire() }
            #expect(expiry?.underlying?.code == .outOfMemory)
            let test = await #expect(throws: StateError.self) { try await state.nextEvaluation(term: term) }
            #expect(test?.underlying?.code == .outOfMemory)
        }
        await fixture.stop()
    }
}
