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
            guard case .extended = try await state.beat("r1.a", for: .seconds(6), opens: false, Samples.status) else {
                throw StateSurprise()
            }
            guard case .renewed = try await state.campaign(as: "r1.a", for: .seconds(6)) else { throw StateSurprise() }
            let ask = try Samples.ask(number: 2, held: 2, want: 2)
            #expect(try await state.leasePermits([ask], session: "r1.a")?.count == 1)
            _ = try await state.ticketBlocks([(pool: "LSTM/v1/prediction", count: 8)])
            #expect(try await state.heartbeat(leased.id) == .renewed(.seconds(30)))
            _ = try await state.remove(try Samples.id("lstm"), floor: .zero)
            #expect(try await state.service(leased.id) != nil, "what only reads goes on")
        }
        await fixture.stop()
    }
}
