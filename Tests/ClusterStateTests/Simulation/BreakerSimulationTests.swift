import ManagerTesting
import Registry
import Testing

@Suite(.serialized) struct `Shared breakers, whatever happens,` {
    @Test(arguments: SimulatedCluster.seeds())
    func `take out half of a pool at most, let one probe through, and come back`(seed: SeededRandom) async throws {
        try await SimulatedCluster.run(seed) { cluster in
            var world = try await BreakerWorld(cluster, replicas: 3)
            try await world.run(for: .seconds(40))
            #expect(world.complaints.isEmpty, "\(world.complaints.prefix(3))")
            #expect(world.trips > 0 && world.probesSent > 0, "nothing happened: the run says nothing")
            world.hasTrouble = false
            world.isSick = world.isSick.map { _ in false }
            var waited = 0
            while try await !world.isAllClosed(), waited < 40 {
                try await world.run(for: .seconds(1))
                waited += 1
            }
            #expect(try await world.isAllClosed(), "still open after \(waited) s of health")
            #expect(world.complaints.isEmpty, "\(world.complaints.prefix(3))")
        }
    }

    @Test(arguments: SimulatedCluster.seeds())
    func `are open on all replicas within 300 ms when nothing gets lost`(seed: SeededRandom) async throws {
        try await SimulatedCluster.run(seed) { cluster in
            let world = try await Self.twoTrips(cluster)
            #expect(world.trips >= 2)
            #expect(world.slowest <= .milliseconds(300))
        }
    }

    @Test func `are so with no hint heard at all, and would not be if they were read once a second`() async throws {
        for (readInterval, isInTime) in [(Duration.milliseconds(200), true), (.seconds(1), false)] {
            try await SimulatedCluster.run(SeededRandom(seed: 1)) { cluster in
                let world = try await Self.twoTrips(cluster, heardShare: 0, readInterval: readInterval)
                #expect(world.trips >= 2)
                #expect((world.slowest <= .milliseconds(300)) == isInTime, "\(world.slowest)")
            }
        }
    }

    /// Two of the instances fall ill, one after the other, and nothing gets lost.
    private static func twoTrips(
        _ cluster: SimulatedCluster,
        heardShare: Int = 95,
        readInterval: Duration = .milliseconds(200)
    ) async throws -> BreakerWorld {
        var world = try await BreakerWorld(cluster, replicas: 5)
        (world.hasTrouble, world.heardShare, world.readInterval) = (false, heardShare, readInterval)
        world.readsReceipts = heardShare > 0
        for place in 0..<2 {
            try await world.run(for: .seconds(2))
            world.isSick[place] = true
        }
        try await world.run(for: .seconds(2))
        return world
    }

    @Test(arguments: [
        ("if count >= tonumber(args[4]) then", "if false then", "probes"),
        ("+ 1 > math.max(1, math.floor(told.pool_size / 2)) then", "> 99 then", "out"),
    ]) func `would not, without what keeps them`(line: String, instead: String, word: String) async throws {
        var complaints: [String] = []
        for seed in SeededRandom.runs(10) where !complaints.contains(where: { $0.contains(word) }) {
            try await SimulatedCluster.run(seed, edits: [(line, instead)]) { cluster in
                var world = try await BreakerWorld(cluster, replicas: 3)
                world.isSick = world.isSick.map { _ in true }
                try await world.run(for: .seconds(20))
                complaints += world.complaints
            }
        }
        #expect(complaints.contains { $0.contains(word) }, "the simulation would not notice")
    }
}
