import ClusterState
import Decisions
import ManagerTesting
import Registry
import Testing

/// Replicas that share the cursor of one pool, with a Redis that is slow or away at times.
///
/// Blocks arrive late; a replica that crashes, or whose answer is lost, leaves a ticket behind.
private struct TicketWorld {
    struct Replica {
        var blocks: TicketBlocks
        var run: Range<UInt64> = 0..<0
        /// What was asked for, to arrive after so many steps, or never.
        var coming: (first: UInt64, count: Int, in: Int, isLost: Bool)?
        var isRedisAway = false
    }

    let state: ClusterState
    let members: Int
    var random: SeededRandom
    var replicas: [Replica] = []
    var counts: [Int]
    var crashes = 0
    var losses = 0
    var now = Instant(nanoseconds: 0)
    var spreadMost = 0

    init(_ state: ClusterState, replicas: Int, members: Int, random: SeededRandom) {
        self.state = state
        self.members = members
        self.random = random
        self.counts = Array(repeating: 0, count: members)
        for _ in 0..<replicas { self.replicas.append(self.newReplica()) }
    }

    private mutating func newReplica() -> Replica {
        Replica(blocks: TicketBlocks(localStart: UInt64.random(in: 0..<1_000_000, using: &self.random)))
    }

    mutating func run(steps: Int) async throws {
        for step in 0..<steps {
            // Slow, then fast, then slow again; some replicas get nothing for long.
            let pause = step % 3000 < 1000 ? 30_000 : 200
            self.now = self.now + .microseconds(Int.random(in: 1...pause, using: &self.random))
            let index = Int.random(in: 0..<self.replicas.count, using: &self.random)
            self.route(index)
            try await self.reserve(index)
            self.makeTrouble(index)
            self.spreadMost = max(
                self.spreadMost,
                (self.counts.max() ?? 0) - (self.counts.min() ?? 0) - self.crashes - self.losses
            )
        }
    }

    private mutating func route(_ index: Int) {
        if self.replicas[index].run.isEmpty {
            self.replicas[index].run = self.replicas[index].blocks.take(members: self.members).numbers
        }
        let number = self.replicas[index].run.removeFirst()
        self.counts[Int(number % UInt64(self.members))] += 1
    }

    private mutating func reserve(_ index: Int) async throws {
        if let coming = self.replicas[index].coming {
            guard coming.in > 0 else {
                self.replicas[index].coming = nil
                if !coming.isLost { self.replicas[index].blocks.grant(first: coming.first, count: coming.count) }
                return
            }
            self.replicas[index].coming?.in -= 1
            return
        }
        let count = self.replicas[index].blocks.demand(members: self.members, now: self.now)
        guard let count, !self.replicas[index].isRedisAway else { return }
        let first = UInt64(try await self.state.ticketBlocks([(pool: "p", count: count)])[0])
        let steps = Int.random(in: 0...4, using: &self.random)
        let isLost = Int.random(in: 0..<1000, using: &self.random) == 0
        self.losses += isLost ? 1 : 0
        self.replicas[index].coming = (first, count, steps, isLost)
    }

    private mutating func makeTrouble(_ index: Int) {
        switch Int.random(in: 0..<2000, using: &self.random) {
        case 0:
            self.replicas[index] = self.newReplica()
            self.crashes += 1
        case 1...20: self.replicas[index].isRedisAway.toggle()
        default: break
        }
    }
}

@Suite(.serialized) struct `Round robin, whatever happens,` {
    @Test(arguments: SimulatedCluster.seeds())
    func `uses instances equally, but for two for each replica, and one for each crash`(
        seed: SeededRandom
    ) async throws {
        try await withState { state in
            var random = seed
            let replicas = Int.random(in: 1...6, using: &random)
            let members = Int.random(in: 2...9, using: &random)
            var world = TicketWorld(state, replicas: replicas, members: members, random: random)
            try await world.run(steps: 6000)
            #expect(world.spreadMost <= 2 * replicas, "\(replicas) replicas, \(members) instances")
        }
    }

    @Test func `would not with a roll of tickets dropped at every turn`() async throws {
        try await withState { state in
            var worst = 0
            for seed in SeededRandom.runs(5) {
                var world = TicketWorld(state, replicas: 3, members: 7, random: seed)
                for _ in 0..<6000 / 50 {
                    try await world.run(steps: 50)
                    for index in world.replicas.indices {
                        world.replicas[index].blocks = TicketBlocks(localStart: world.random.next() % 1000)
                        world.replicas[index].run = 0..<0
                    }
                }
                worst = max(worst, (world.counts.max() ?? 0) - (world.counts.min() ?? 0) - world.crashes - world.losses)
            }
            #expect(worst > 6, "the simulation would not notice")
        }
    }
}
