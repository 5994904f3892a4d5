import ClusterState
import ManagerTesting
import RedisClient
import Registry
import Synchronization
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

    /// A canary from v1 to v2 at its first step, a deployment of v3 at the service of v1, and v4 on its way out.
    private func models(_ redis: Redis) async throws -> (state: ClusterState, type: ModelType, order: Deployment) {
        let (state, type) = (ClusterState(redis: redis, namespace: "t"), try #require(ModelType("LSTM")))
        for text in ["v1", "v2", "v4"] {
            var definition = try Samples.definition("s-\(text)")
            definition.modelVersion = try Self.version(text)
            _ = try await state.register(definition, source: .api, floor: .zero)
        }
        let canary = SwitchOrder.Canary(steps: [1, 100], interval: .seconds(60), errorRateMax: 0.5, latencyRatioMax: 9)
        let to = SwitchOrder(version: try Self.version("v2"), canary: canary)
        guard case .changed = try await state.switchModel(type, to: to, floor: .zero) else { throw StateSurprise() }
        let order = Deployment(services: [try Samples.id("s-v1")], artifact: "x", parameters: [:])
        let deployed = try await state.deployVersion(try Self.version("v3"), of: type, order, floor: .zero)
        guard case .changed = deployed else { throw StateSurprise() }
        let gone = try Self.version("v4")
        let retired = try await state.retireVersion(gone, of: type, timeout: .seconds(60), floor: .zero)
        guard case .changed = retired else { throw StateSurprise() }
        _ = try await redis.send(["CONFIG", "SET", "maxmemory", "1"])
        return (state, type, order)
    }

    private static func version(_ text: String) throws -> ModelVersion { try #require(ModelVersion(text)) }

    private func undo(_ state: ClusterState, _ type: ModelType) async throws(StateError) -> ModelReply {
        try await state.carryOnRollout(
            of: type,
            step: 1,
            state: .running,
            .undo,
            detail: "bad",
            term: .none,
            floor: .zero
        )
    }

    @Test func `takes no order about models, and carries those that it has to their ends`() async throws {
        let fixture = try await RedisFixture.start()
        try await fixture.withClient(library: ClusterState.library) { redis in
            let (state, type, order) = try await self.models(redis)
            let one = try Self.version("v1")
            let refused = await #expect(throws: StateError.self) {
                try await state.pointAlias(try Self.version("stable"), of: type, at: one, floor: .zero)
            }
            #expect(refused?.underlying?.code == .outOfMemory)
            let (three, four) = (try Self.version("v3"), try Self.version("v4"))
            let noted = try await state.noteDeployment(
                of: three,
                type: type,
                order: order,
                at: try Samples.id("s-v1"),
                .loaded,
                term: .none,
                floor: .zero
            )
            guard case .changed = noted else { throw StateSurprise() }
            let marked = try await state.markVersion(
                four,
                of: type,
                from: .draining,
                to: .retired,
                why: "",
                term: .none,
                floor: .zero
            )
            guard case .changed = marked else { throw StateSurprise() }
            guard case .changed(let change) = try await self.undo(state, type),
                case .model(_, let pointers, _)? = change.entry.record?.content
            else { throw StateSurprise() }
            #expect(pointers.rollout?.isUnderWay == false)
            #expect(pointers.deployments[three]?.isUnderWay == false)
            #expect(pointers.notes[four]?.state == .retired)
        }
        await fixture.stop()
    }

    @Test func `would leave a bad canary its share, without the flag of the functions`() async throws {
        let fixture = try await RedisFixture.start()
        let edit = ("publish('rollout_step', rollout_step, BOUNDED)", "publish('rollout_step', rollout_step)")
        try await fixture.withClient(library: try SimulatedCluster.library([edit])) { redis in
            let (state, type, _) = try await self.models(redis)
            let refused = await #expect(throws: StateError.self) { try await self.undo(state, type) }
            #expect(refused?.underlying?.code == .outOfMemory)
        }
        await fixture.stop()
    }

    @Test func `is told once, whatever goes on meanwhile`() async throws {
        let fixture = try await RedisFixture.start()
        let news = Mutex<[FullStore.News]>([])
        try await fixture.withClient(library: ClusterState.library) { redis in
            let fullness = FullStore { new in news.withLock { $0.append(new) } }
            let state = ClusterState(redis: redis, namespace: "t", fullness: fullness)
            _ = try await state.lead(as: "r1.a")
            _ = try await redis.send(["CONFIG", "SET", "maxmemory", "1"])
            for id in ["a", "b"] {
                let definition = try Samples.definition(id)
                _ = try? await state.register(definition, source: .api, floor: .zero)
                _ = try await state.lead(as: "r1.a")
            }
            #expect(news.withLock { $0.count } == 1)
            guard case .full("service_register", let reason)? = news.withLock({ $0.first }) else {
                throw StateSurprise()
            }
            #expect(reason.contains("OOM"))
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
