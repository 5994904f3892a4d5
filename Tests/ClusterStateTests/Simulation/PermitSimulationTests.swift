import Decisions
import ManagerTesting
import Registry
import Testing

@Suite(.serialized) struct `Permits, whatever happens,` {
    @Test(arguments: SimulatedCluster.seeds()) func `never let more in than the limit, and do not stand still`(
        seed: SeededRandom
    ) async throws {
        try await SimulatedCluster.run(seed) { cluster in
            var random = seed
            let limit = Int.random(in: 1...8, using: &random)
            var world = try PermitWorld(cluster, replicas: 3, limit: limit)
            world.pauses = Bool.random(using: &random)
            if Bool.random(using: &random) { world.lateShare = 30 }
            try await world.run(for: .seconds(20))
            #expect(world.complaints.isEmpty, "limit \(limit): \(world.complaints.prefix(3))")
            // A single permit is lost with each session that lapses, for its lease: 8 was the least of 300 histories.
            #expect(world.served > 5 * limit, "\(world.served) requests in 20 s, limit \(limit)")
        }
    }

    @Test(arguments: [
        PermitWorld.Mistakes(usesBeforeGrant: true), PermitWorld.Mistakes(tellsBeforeLowering: true),
    ]) func `would, if a replica took before it was given or kept after it gave`(
        mistakes: PermitWorld.Mistakes
    ) async throws {
        try await self.expectViolation(mistakes: mistakes)
    }

    @Test func `would, if calls were not numbered`() async throws {
        try await self.expectViolation(edits: [("if number <= grants.number then", "if false then")])
    }

    private func expectViolation(
        mistakes: PermitWorld.Mistakes = .init(),
        edits: [(String, String)] = []
    ) async throws {
        var violated = 0
        for seed in SeededRandom.runs(100) where violated == 0 {
            try await SimulatedCluster.run(seed, edits: edits) { cluster in
                var world = try PermitWorld(cluster, replicas: 3, limit: 3, mistakes: mistakes)
                world.lateShare = 30
                for index in world.replicas.indices { world.replicas[index].load = 25 }
                try await world.run(for: .seconds(20))
                violated += world.complaints.isEmpty ? 0 : 1
            }
        }
        #expect(violated > 0, "the simulation would not notice")
    }

    @Test(arguments: SimulatedCluster.seeds()) func `keep the limit when Redis is emptied, and work goes on`(
        seed: SeededRandom
    ) async throws {
        try await SimulatedCluster.run(seed) { cluster in
            var world = try Self.steadyWorld(cluster)
            for _ in 0..<3 {
                try await world.run(for: .milliseconds(Int.random(in: 4000...6000, using: &world.cluster.random)))
                try await world.empty()
                let served = world.served
                try await world.run(for: .milliseconds(1500))
                #expect(world.served - served > 4, "nothing was served right after")
            }
            try await world.run(for: .seconds(6))
            #expect(world.complaints.isEmpty, "\(world.complaints.prefix(3))")
        }
    }

    @Test func `would exceed it, if permits were granted at once after that`() async throws {
        var violated = 0
        let grantsAtOnce = ("return begin and tonumber(begin) > clock", "return false")
        for seed in SeededRandom.runs(10) where violated == 0 {
            try await SimulatedCluster.run(seed, edits: [grantsAtOnce]) { cluster in
                var world = try Self.steadyWorld(cluster)
                try await world.run(for: .seconds(4))
                try await world.empty()
                try await world.run(for: .seconds(3))
                violated += world.complaints.isEmpty ? 0 : 1
            }
        }
        #expect(violated > 0, "the simulation would not notice")
    }

    /// Three busy replicas that are always in touch with Redis.
    private static func steadyWorld(_ cluster: SimulatedCluster) throws -> PermitWorld {
        var world = try PermitWorld(cluster, replicas: 3, limit: 6)
        (world.hasTrouble, world.lateShare, world.lossShare, world.countsAll) = (false, 0, 0, true)
        for index in world.replicas.indices { world.replicas[index].load = 20 }
        return world
    }

    @Test(arguments: SimulatedCluster.seeds()) func `of a killed replica serve the others within 8 s`(
        seed: SeededRandom
    ) async throws {
        try await SimulatedCluster.run(seed) { cluster in
            var world = try PermitWorld(cluster, replicas: 2, limit: 4)
            // Where Redis is reached: a beat that arrives seconds after its sender was killed extends what shall end.
            (world.hasTrouble, world.lateShare, world.lossShare) = (false, 0, 0)
            world.replicas[1].load = 0
            world.replicas[0].load = 40
            try await world.run(for: .seconds(3))
            let name = try #require(world.grants.max { $0.value < $1.value }?.key)
            #expect(name.hasPrefix("r0"), "the busy one holds")
            world.replicas[0].isAlive = false
            world.replicas[0].inFlight = []
            let killed = world.cluster.now
            while world.replicas[1].admitted < 4, world.cluster.now - killed < .seconds(20) {
                // What one permit can serve meanwhile is no reason to want fewer.
                world.replicas[1].waiting = 4
                try await world.run(for: .milliseconds(50))
            }
            #expect(world.cluster.now - killed <= .seconds(8))
            #expect(world.cluster.now - killed >= .seconds(1), "it had them before: the run says nothing")
        }
    }
}
