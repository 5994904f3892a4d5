import ClusterState
import ControlLoops
import Gateway
import ManagerTesting
import RedisClient
import Registry
import Testing

@Suite(.timeLimit(.minutes(5))) struct `Discovery by names` {
    static func urls(_ scene: DiscoveryScene) -> [String] {
        scene.services.flatMap(\.instances).map(\.url.description)
    }

    @Test func `makes every address of a name an instance, and follows it`() async throws {
        try await DiscoveryScene.run { scene in
            try await scene.api("m", at: "http://models.example:8000/base", discovery: .dns)
            #expect(Self.urls(scene) == ["http://models.example:8000/base"])
            scene.port.set("models.example", ["10.0.0.2:8000", "10.0.0.1:8000"])
            try await scene.sweep()
            #expect(Self.urls(scene) == ["http://10.0.0.1:8000/base", "http://10.0.0.2:8000/base"])
            let epoch = scene.replica.holder.current.epoch
            try await scene.sweep()
            #expect(scene.replica.holder.current.epoch == epoch, "the same addresses are no change")
            scene.port.set("models.example", ["10.0.0.3:8000"])
            try await scene.sweep()
            #expect(Self.urls(scene) == ["http://10.0.0.3:8000/base"])
            #expect(try await scene.events("resolved") == ["10.0.0.1:8000,10.0.0.2:8000", "10.0.0.3:8000"])
        }
    }

    @Test func `keeps the addresses of a name that cannot be resolved now`() async throws {
        try await DiscoveryScene.run { scene in
            try await scene.api("m", at: "http://models.example", discovery: .dns)
            try await scene.api("n", at: "http://others.example", discovery: .dns)
            scene.port.set("models.example", ["10.0.0.1:80"])
            scene.port.set("others.example", ["10.0.0.9:80"])
            try await scene.sweep()
            scene.port.set("models.example", [])
            scene.port.set("others.example", ["10.0.0.8:80"])
            try await scene.sweep()
            #expect(Self.urls(scene) == ["http://10.0.0.1", "http://10.0.0.8"])
            #expect(scene.loop.figures.errors[.names] == 1)
        }
    }

    @Test func `looks early when a name is new, and when an instance behind a name goes bad`() async throws {
        try await DiscoveryScene.run { scene in
            try await scene.sweep()
            scene.port.set("models.example", ["10.0.0.1:80"])
            try await scene.api("m", at: "http://models.example", discovery: .dns)
            await scene.time.advance(by: .seconds(2), step: .seconds(2))
            await scene.loop.turn()
            try await scene.catchUp()
            #expect(Self.urls(scene) == ["http://10.0.0.1"])
            scene.port.set("models.example", ["10.0.0.2:80"])
            await scene.time.advance(by: .seconds(2), step: .seconds(2))
            await scene.loop.turn()
            #expect(scene.loop.figures.sweeps == 2, "nothing to hint at, nothing to do")
            var state = InstanceState(key: try #require(scene.services.first?.instances.first))
            state.verdict = .unhealthy
            scene.port.setStates([state])
            await scene.loop.turn()
            try await scene.catchUp()
            #expect(Self.urls(scene) == ["http://10.0.0.2"])
        }
    }

    @Test func `passes a hint on to the leader`() async throws {
        try await DiscoveryScene.run { scene in
            scene.leadership.depose()
            try await scene.api("m", at: "http://models.example", discovery: .dns)
            await scene.loop.turn()
            let fixture = try await RedisFixture.shared()
            let signals = try await fixture.withClient { redis in
                try await redis.send(["XLEN", .init(scene.replica.state.keys.signals)]).integer
            }
            #expect(signals == 1)
            let leader = try scene.successor()
            try await leader.sweep()
            leader.port.set("models.example", ["10.0.0.1:80"])
            await leader.time.advance(by: .seconds(2), step: .seconds(2))
            leader.loop.hear(.hint(subject: "m", reason: "unhealthy"))
            await leader.loop.turn()
            try await leader.catchUp()
            #expect(Self.urls(leader) == ["http://10.0.0.1"])
        }
    }

    @Test func `runs by itself every interval`() async throws {
        try await DiscoveryScene.run { scene in
            try await scene.api("m", at: "http://models.example", discovery: .dns)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await scene.loop.run() }
                let first = try await eventually(within: .seconds(20)) { scene.loop.figures.sweeps == 1 }
                #expect(first)
                scene.port.set("models.example", ["10.0.0.1:80"])
                let second = try await eventually(within: .seconds(20)) {
                    await scene.time.advance(by: .seconds(1), step: .seconds(1))
                    return Self.urls(scene) == ["http://10.0.0.1"]
                }
                #expect(second)
                group.cancelAll()
            }
        }
    }
}
