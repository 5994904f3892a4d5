public import Registry

/// Everything a pick needs, computed when the pool or its eligibility changes, so that a pick is a little arithmetic.
///
/// A pick allocates nothing and asks nobody; tickets, random numbers and the caller's hash key come in as values, which
/// keeps it replayable. Indexes are those of the pool's members, also where a member is not eligible.
/// The hard case is the member that is out: its share must spread over all others. So tickets are taken modulo the
/// *eligible* members (with "the next healthy one", the neighbour of an ejected one of four would carry double), a
/// retry draws anew among all untried ones, and hashing is by rendezvous, where each key has its own order of members.
public struct PickTable: Sendable {
    public let strategy: BalanceStrategy
    /// Indexes of the eligible members, ascending.
    public let eligible: [Int]
    /// By position in `eligible`.
    private let weights: [Int]
    private let hashes: [UInt64]
    private let schedule: WeightedSchedule

    /// Above so many eligible members `least_requests` compares two random ones instead of scanning all.
    public static let scanMax = 64

    /// `members` is the whole pool in its order, `eligible` what `Eligibility` found of it.
    public init(strategy: BalanceStrategy, members: [PoolMember], eligible: [Int]) {
        self.strategy = strategy
        self.eligible = eligible
        self.weights = eligible.map { strategy == .weightedRoundRobin ? members[$0].weight : 1 }
        self.hashes = eligible.map { members[$0].hash }
        self.schedule = WeightedSchedule(weights: strategy == .weightedRoundRobin ? self.weights : [])
    }

    /// Modulo what a ticket is taken: the members of a round, or the slots of a weighted one; 0: tickets do not matter.
    public var turns: Int {
        switch self.strategy {
        case .roundRobin: self.eligible.count
        case .weightedRoundRobin: self.eligible.count > 1 ? self.schedule.slots.count : self.eligible.count
        case .leastRequests, .powerOfTwo, .latency, .consistentHash, .random: 0
        }
    }

    /// The first try of a request. Its ticket is the pool's cursor, of which consecutive requests take consecutive ones;
    /// `random` is 64 independent bits; the hash key is the hash of what the caller wants to stick to an instance, or
    /// random bits when it named nothing.
    public func pick(ticket: UInt64, random: UInt64, hashKey: UInt64) -> Pick {
        let count = UInt64(self.eligible.count)
        guard count > 1 else { return count == 0 ? .none : .one(self.eligible[0]) }
        switch self.strategy {
        case .roundRobin:
            return .one(self.eligible[Int(ticket % count)])
        case .weightedRoundRobin:
            return .one(self.eligible[Int(self.schedule.slots[Int(ticket % UInt64(self.schedule.slots.count))])])
        case .leastRequests where self.eligible.count <= Self.scanMax:
            return .least(startingAt: Int(ticket % count))
        case .leastRequests, .powerOfTwo, .latency:
            return self.twoOf(random)
        case .consistentHash:
            return self.closest(to: hashKey, tried: TriedMembers())
        case .random:
            return .one(self.eligible[random.scaled(below: self.eligible.count)])
        }
    }

    /// A further try: among the eligible members not tried yet, by weight; under `consistent_hash` the key's next one.
    public func pickAgain(tried: TriedMembers, random: UInt64, hashKey: UInt64) -> Pick {
        if self.strategy == .consistentHash { return self.closest(to: hashKey, tried: tried) }
        var left = 0
        for position in self.eligible.indices where !tried.contains(self.eligible[position]) {
            left += self.weights[position]
        }
        guard left > 0 else { return .none }
        var share = random.scaled(below: left)
        for position in self.eligible.indices where !tried.contains(self.eligible[position]) {
            share -= self.weights[position]
            if share < 0 { return .one(self.eligible[position]) }
        }
        return .none
    }

    private func twoOf(_ random: UInt64) -> Pick {
        let count = self.eligible.count
        let first = (random << 32).scaled(below: count)
        let step = (random & 0xFFFF_FFFF_0000_0000).scaled(below: count - 1)
        let second = first + 1 + step
        return .lesser(self.eligible[first], self.eligible[second < count ? second : second - count])
    }

    /// Rendezvous (highest random weight) hashing; linear in the pool, about a nanosecond a member.
    private func closest(to hashKey: UInt64, tried: TriedMembers) -> Pick {
        var best: (score: UInt64, index: Int)?
        for position in self.hashes.indices where !tried.contains(self.eligible[position]) {
            let score = StableHash.mixed(self.hashes[position] ^ hashKey)
            if let known = best, known.score >= score { continue }
            best = (score, self.eligible[position])
        }
        return best.map { .one($0.index) } ?? .none
    }
}

extension UInt64 {
    /// This number's place among 2^64, carried over to `0..<bound`; every result equally likely but for one in 2^64.
    fileprivate func scaled(below bound: Int) -> Int {
        Int(self.multipliedFullWidth(by: UInt64(bound)).high)
    }
}
