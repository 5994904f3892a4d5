import Decisions
import ManagerTesting
import Registry
import Testing

@Suite struct `A pick table` {
    /// Weights by index; hashes as a real instance would have them.
    static func table(
        _ strategy: BalanceStrategy,
        weights: [Int],
        without ejected: Set<Int> = []
    ) -> PickTable {
        let members = weights.enumerated().map {
            PoolMember(weight: $1, hash: StableHash.of("lstm-\($0)@http://10.0.0.\($0):8000"))
        }
        return PickTable(
            strategy: strategy,
            members: members,
            eligible: weights.indices.filter { !ejected.contains($0) }
        )
    }

    static func equal(_ strategy: BalanceStrategy, _ size: Int, without ejected: Set<Int> = []) -> PickTable {
        self.table(strategy, weights: Array(repeating: 100, count: size), without: ejected)
    }

    /// How often each of `size` members is picked; every pick must be `.one`.
    static func counts(size: Int, of picks: some Sequence<Pick>) throws -> [Int] {
        var counts = [Int](repeating: 0, count: size)
        for pick in picks {
            guard case .one(let index) = pick else {
                Issue.record("not one member: \(pick)")
                continue
            }
            counts[index] += 1
        }
        return counts
    }

    @Test(arguments: BalanceStrategy.allCases) func `has nobody in an empty pool, and the only one in a pool of one`(
        strategy: BalanceStrategy
    ) {
        let nobody = Self.equal(strategy, 3, without: [0, 1, 2])
        let alone = Self.equal(strategy, 3, without: [0, 2])
        for number in [0, 1, 77, UInt64.max] {
            #expect(nobody.pick(ticket: number, random: number, hashKey: number) == .none)
            #expect(alone.pick(ticket: number, random: number, hashKey: number) == .one(1))
        }
    }

    @Test(arguments: 1...9) func `spreads round robin to within one over any run of tickets`(size: Int) throws {
        let table = Self.equal(.roundRobin, size)
        for start in [UInt64(0), 5, 1 << 40] {
            for length in 0...40 {
                let picks = (0..<UInt64(length)).map { table.pick(ticket: start + $0, random: 0, hashKey: 0) }
                let counts = try Self.counts(size: size, of: picks)
                #expect((counts.max() ?? 0) - (counts.min() ?? 0) <= 1)
            }
        }
    }

    @Test(arguments: 2...9) func `spreads the share of ejected members over all others`(size: Int) throws {
        for ejected in 0..<size {
            let table = Self.equal(.roundRobin, size, without: [ejected])
            let picks = (0..<UInt64(size * (size - 1))).map { table.pick(ticket: $0, random: 0, hashKey: 0) }
            let counts = try Self.counts(size: size, of: picks)
            #expect(counts == (0..<size).map { $0 == ejected ? 0 : size })
        }
    }

    @Test(arguments: [[1], [1, 1, 1], [5, 1, 1], [100, 50], [1, 2, 3, 4], [1000, 1, 23], [7, 7, 14]])
    func `gives weighted members exactly their shares over a full schedule`(weights: [Int]) throws {
        let table = Self.table(.weightedRoundRobin, weights: weights)
        let total = weights.reduce(0, +)
        let picks = (0..<UInt64(total)).map { table.pick(ticket: $0, random: 0, hashKey: 0) }
        #expect(try Self.counts(size: weights.count, of: picks) == weights)
    }

    @Test func `takes an ejected member's weight out of the schedule`() throws {
        let table = Self.table(.weightedRoundRobin, weights: [3, 2, 1], without: [1])
        let picks = (0..<400).map { table.pick(ticket: $0, random: 0, hashKey: 0) }
        #expect(try Self.counts(size: 3, of: picks) == [300, 0, 100])
    }

    @Test(arguments: SeededRandom.runs(4)) func `compares two distinct members, each pair as likely as any other`(
        seeded: SeededRandom
    ) {
        var random = seeded
        for (strategy, size) in [
            (BalanceStrategy.powerOfTwo, 2), (.powerOfTwo, 5), (.latency, 5), (.leastRequests, 65),
        ] {
            let table = Self.equal(strategy, size)
            var pairs = [[Int]](repeating: [Int](repeating: 0, count: size), count: size)
            let draws = size * (size - 1) * 400
            for _ in 0..<draws {
                guard case .lesser(let first, let second) = table.pick(ticket: 0, random: random.next(), hashKey: 0)
                else { return #expect(Bool(false), "no pair from \(strategy)") }
                #expect(first != second)
                pairs[first][second] += 1
            }
            // 400 expected per ordered pair; 150 off is more than seven standard deviations.
            for first in 0..<size {
                for second in 0..<size where first != second {
                    #expect((250...550).contains(pairs[first][second]), "\(strategy) \(first) \(second)")
                }
            }
        }
    }

    @Test func `lets the least used be searched from a place that moves on, up to a bounded pool`() {
        let table = Self.equal(.leastRequests, 5, without: [1])
        let starts = (0..<8).map { table.pick(ticket: $0, random: 0, hashKey: 0) }
        #expect(starts == (0..<8).map { .least(startingAt: $0 % 4) })
        #expect(table.eligible == [0, 2, 3, 4])
        #expect(
            Self.equal(.leastRequests, PickTable.scanMax).pick(ticket: 3, random: 0, hashKey: 0)
                == .least(startingAt: 3)
        )
    }

    @Test(arguments: SeededRandom.runs(2)) func `draws at random evenly`(seeded: SeededRandom) throws {
        var random = seeded
        let table = Self.equal(.random, 7)
        let picks = (0..<7000).map { _ in table.pick(ticket: 0, random: random.next(), hashKey: 0) }
        for count in try Self.counts(size: 7, of: picks) { #expect((750...1250).contains(count)) }
    }

    @Test(arguments: [3, 10, 40]) func `moves only an ejected member's keys, and those to all others`(size: Int) throws
    {
        let keys = (0..<20_000).map { StableHash.of("caller-\($0)") }
        let before = keys.map { Self.equal(.consistentHash, size).pick(ticket: 9, random: 9, hashKey: $0) }
        let without = Self.equal(.consistentHash, size, without: [1])
        let after = keys.map { without.pick(ticket: 4, random: 4, hashKey: $0) }
        let moved = keys.indices.filter { before[$0] != after[$0] }
        #expect(moved.allSatisfy { before[$0] == .one(1) })
        #expect(!after.contains(.one(1)))
        let expected = Double(keys.count) / Double(size)
        for count in try Self.counts(size: size, of: before) {
            #expect(abs(Double(count) - expected) < 0.25 * expected)
        }
        let heirs = try Self.counts(size: size, of: moved.map { after[$0] })
        let inherited = expected / Double(size - 1)
        for index in 0..<size where index != 1 {
            #expect(Double(heirs[index]) > 0.2 * inherited && Double(heirs[index]) < 2.5 * inherited)
        }
    }

    @Test(arguments: BalanceStrategy.allCases) func `tries again each of the others once, then nobody`(
        strategy: BalanceStrategy
    ) throws {
        var random = SeededRandom(seed: 1)
        let table = Self.table(strategy, weights: [1, 1000, 3, 4, 5], without: [2])
        for first in [0, 1, 3, 4] {
            var tried = TriedMembers()
            tried.insert(first)
            for _ in 0..<3 {
                let pick = table.pickAgain(tried: tried, random: random.next(), hashKey: 7)
                guard case .one(let index) = pick else { return #expect(Bool(false), "\(pick)") }
                #expect(index != 2 && !tried.contains(index))
                tried.insert(index)
            }
            #expect(table.pickAgain(tried: tried, random: random.next(), hashKey: 7) == .none)
        }
    }

    @Test(arguments: SeededRandom.runs(2)) func `spreads a failing member's retries over all others`(
        seeded: SeededRandom
    ) throws {
        var random = seeded
        var tried = TriedMembers()
        tried.insert(1)
        let equal = Self.equal(.roundRobin, 5)
        let again = (0..<8000).map { _ in equal.pickAgain(tried: tried, random: random.next(), hashKey: 0) }
        for (index, count) in try Self.counts(size: 5, of: again).enumerated() where index != 1 {
            #expect((1700...2300).contains(count))
        }
        let weighted = Self.table(.weightedRoundRobin, weights: [1, 100, 3])
        let byWeight = (0..<8000).map { _ in weighted.pickAgain(tried: tried, random: random.next(), hashKey: 0) }
        let counts = try Self.counts(size: 3, of: byWeight)
        #expect(counts[1] == 0 && (1700...2300).contains(counts[0]) && (5700...6300).contains(counts[2]))
        let keyed = Self.equal(.consistentHash, 5)
        let first = (0..<4000).map { keyed.pickAgain(tried: tried, random: 0, hashKey: StableHash.of("k\($0)")) }
        let second = (0..<4000).map {
            Self.equal(.consistentHash, 5, without: [1]).pick(ticket: 0, random: 0, hashKey: StableHash.of("k\($0)"))
        }
        #expect(first == second)
    }
}
