import ClusterState
import Decisions
import Foundation
import ManagerTesting
import RedisClient
import Registry
import Testing

/// Replicas with breakers of one pool of four instances over the real functions, in virtual time.
///
/// A replica here does what `BreakerReporter` and `GateBoard` do. Calls get lost on the way or on the way back, replicas
/// are killed and cut off, signals get lost, Redis' wall clock is set, instances fall sick and recover.
struct BreakerWorld {
    struct Flying {
        var instance: Int
        var probe: BreakerMachine.Probe
        var endsAt: Instant
    }

    struct Replica {
        var name: String
        var session: String
        var breakers: [SharedBreaker]
        var version: Int64 = 0
        var readAt: Instant?
        var hasNews = true
        var beatAt: Instant
        var turnAt: Instant
        var flying: [Flying] = []
        var unsaid: [(probe: ProbeName, end: ToldProbeEnd)] = []
        var cutUntil: Instant?
    }

    static let instances = 4
    static let probesMax = 1
    static let policy = BreakerPolicy(failuresInRowMax: 5, cooldown: .seconds(1), probesMax: 1)
    static let rules = BreakerRules(failuresInRowMax: 5, failureRatioMax: 0.5, cooldown: .seconds(1), probesMax: 1)

    var cluster: SimulatedCluster
    var replicas: [Replica] = []
    var keys: [InstanceKey] = []
    var isSick = [Bool](repeating: false, count: Self.instances)
    var hasTrouble = true
    /// Percent of hints of a trip that are heard; whoever hears none reads so often.
    var heardShare = 95
    var readInterval = Duration.milliseconds(200)
    /// What Redis says to a report tells that there is news.
    var readsReceipts = true
    var sessions = 0
    var complaints: [String] = []
    var trips = 0
    var probesSent = 0
    /// From the trip in Redis to the last replica in touch, at worst.
    var slowest = Duration.zero
    private var tripped: [Int: Instant] = [:]

    init(_ cluster: SimulatedCluster, replicas: Int) async throws {
        self.cluster = cluster
        for number in 0..<Self.instances {
            let service = try #require(ServiceID("s\(number)"))
            self.keys.append(InstanceKey(service: service, url: try ServiceURL("http://s\(number):1")))
            let record = RedisWord(cluster.state.keys.prefix + "service:s\(number)")
            _ = try await cluster.redis.send(["HSET", record, "epoch", "1"])
        }
        for number in 0..<replicas { self.replicas.append(self.newReplica("r\(number)")) }
    }

    private mutating func newReplica(_ name: String) -> Replica {
        self.sessions += 1
        let breakers = (0..<Self.instances).map { _ in SharedBreaker(policy: Self.policy, seed: UInt64(self.sessions)) }
        return Replica(
            name: name,
            session: "\(name).\(self.sessions)",
            breakers: breakers,
            beatAt: self.cluster.now,
            turnAt: self.cluster.now
        )
    }

    mutating func run(for duration: Duration) async throws {
        let end = self.cluster.now + duration
        while self.cluster.now < end {
            self.cluster.now = self.cluster.now + .milliseconds(20)
            try await self.cluster.setClock()
            self.makeTrouble()
            for index in self.replicas.indices {
                self.serve(index)
                try await self.beat(index)
                if self.replicas[index].turnAt <= self.cluster.now { await self.turn(index) }
            }
            try await self.check()
        }
    }

    // MARK: Trouble

    private mutating func makeTrouble() {
        guard self.hasTrouble else { return }
        let index = Int.random(in: 0..<self.replicas.count, using: &self.cluster.random)
        switch Int.random(in: 0..<3000, using: &self.cluster.random) {
        case 0..<30: self.isSick[Int.random(in: 0..<Self.instances, using: &self.cluster.random)].toggle()
        case 30..<36: self.replicas[index] = self.newReplica(self.replicas[index].name)
        case 36..<42: self.replicas[index].cutUntil = self.cluster.now + self.cluster.milliseconds(200...9000)
        case 42..<44: self.cluster.stepClock()
        default: break
        }
    }

    /// Whether a call gets through; it may have been carried out all the same.
    private mutating func isLost(_ index: Int) -> Bool {
        if let cut = self.replicas[index].cutUntil, self.cluster.now < cut { return true }
        return self.hasTrouble && self.cluster.chance(2)
    }

    // MARK: Requests

    private mutating func serve(_ index: Int) {
        let now = self.cluster.now
        for place in 0..<Self.instances {
            _ = self.replicas[index].breakers[place].moveOn(now: now)
            switch self.replicas[index].breakers[place].phase {
            case .closed: if self.cluster.chance(30) { self.request(index, place) }
            case .halfOpen: if self.cluster.chance(30) { self.probe(index, place) }
            case .open: break
            }
        }
        let ended = self.replicas[index].flying.filter { $0.endsAt <= now }
        self.replicas[index].flying.removeAll { $0.endsAt <= now }
        for flight in ended {
            let outcome: BreakerMachine.ProbeOutcome = self.isSick[flight.instance] ? .failure : .success
            _ = self.replicas[index].breakers[flight.instance].probeEnded(flight.probe, outcome, now: now)
            self.replicas[index].turnAt = now
        }
    }

    private mutating func request(_ index: Int, _ place: Int) {
        let generation = self.replicas[index].breakers[place].generation
        let report: OutcomeReport =
            self.isSick[place] ? .failure(generation: generation) : .success(generation: generation)
        let out = self.replicas[index].breakers.enumerated().count { $0.offset != place && $0.element.phase != .closed }
        let bound = EjectionBound(poolSize: Self.instances, ejected: out)
        _ = self.replicas[index].breakers[place].record(report, bound: bound, now: self.cluster.now)
        if self.isSick[place] { self.replicas[index].turnAt = self.cluster.now }
    }

    private mutating func probe(_ index: Int, _ place: Int) {
        let now = self.cluster.now
        let probe = self.replicas[index].breakers[place].admitProbe(until: now + .seconds(3), now: now)
        guard let probe else { return }
        self.probesSent += 1
        let flight = Flying(instance: place, probe: probe, endsAt: now + self.cluster.milliseconds(20...900))
        self.replicas[index].flying.append(flight)
    }

    // MARK: The reporter

    private mutating func beat(_ index: Int) async throws {
        guard self.replicas[index].beatAt <= self.cluster.now else { return }
        self.replicas[index].beatAt = self.cluster.now + .seconds(1)
        if self.isLost(index) { return }
        let session = self.replicas[index].session
        let reply = try await self.cluster.state.keepSession(session, Samples.status)
        guard case .lapsed = reply else { return }
        self.sessions += 1
        self.replicas[index].session = "\(self.replicas[index].name).\(self.sessions)"
        self.replicas[index].beatAt = self.cluster.now
    }

    private struct Lost: Error {}

    private mutating func turn(_ index: Int) async {
        self.replicas[index].turnAt = self.cluster.now + .milliseconds(100)
        do {
            try await self.endProbes(index)
            try await self.report(index)
            try await self.read(index)
            try await self.ask(index)
        } catch {
            for place in 0..<Self.instances { self.replicas[index].breakers[place].setInTouch(false) }
            self.replicas[index].hasNews = false
            self.replicas[index].readAt = self.cluster.now
        }
    }

    /// Half of the calls that get lost are carried out.
    private mutating func call<Reply>(_ index: Int, _ body: (ClusterState) async throws -> Reply) async throws -> Reply
    {
        let isLost = self.isLost(index)
        let isCut = self.replicas[index].cutUntil.map { self.cluster.now < $0 } ?? false
        if isLost, isCut || self.cluster.chance(50) { throw Lost() }
        let reply = try await body(self.cluster.state)
        if isLost { throw Lost() }
        return reply
    }

    private mutating func endProbes(_ index: Int) async throws {
        let session = self.replicas[index].session
        for place in 0..<Self.instances {
            for end in self.replicas[index].breakers[place].takeEnded() {
                let name = ProbeName(instance: self.keys[place], session: session, number: end.number)
                let told: ToldProbeEnd =
                    end.outcome == .success ? .success : end.outcome == .failure ? .failure : .neutral
                self.replicas[index].unsaid.append((name, told))
            }
        }
        while let (probe, end) = self.replicas[index].unsaid.first {
            try await self.call(index) { try await $0.endProbe(probe, end, policy: Self.rules) }
            self.replicas[index].unsaid.removeFirst()
            self.replicas[index].hasNews = true
            self.signal(but: index)
        }
    }

    private mutating func report(_ index: Int) async throws {
        var told: [ToldOutcomes] = []
        for place in 0..<Self.instances {
            guard let report = self.replicas[index].breakers[place].takeUntold() else { continue }
            told.append(
                ToldOutcomes(
                    instance: self.keys[place],
                    pool: "pool",
                    poolSize: Self.instances,
                    generation: report.generation,
                    successes: report.successes,
                    failures: report.failures,
                    trailingFailures: report.trailingFailures
                )
            )
        }
        guard !told.isEmpty else { return }
        let asked = told
        let receipt = try await self.call(index) { try await $0.reportOutcomes(asked, policy: Self.rules) }
        for (told, reply) in zip(told, receipt.replies) {
            guard let place = self.keys.firstIndex(of: told.instance) else { continue }
            if reply.status == .late { self.replicas[index].breakers[place].heardGeneration(reply.generation) }
            guard reply.status == .tripped else { continue }
            self.trips += 1
            self.tripped[place] = self.cluster.now
            self.signal(but: index)
        }
        if self.readsReceipts, receipt.newest != self.replicas[index].version { self.replicas[index].hasNews = true }
    }

    /// Most hear of it at once, as a rule.
    private mutating func signal(but index: Int) {
        for other in self.replicas.indices where other != index && self.cluster.chance(self.heardShare) {
            self.replicas[other].hasNews = true
            self.replicas[other].turnAt = self.cluster.now + self.cluster.milliseconds(1...40)
        }
    }

    private mutating func read(_ index: Int) async throws {
        let now = self.cluster.now
        let isDue =
            self.replicas[index].hasNews || self.replicas[index].readAt.map { now - $0 >= self.readInterval } ?? true
        guard isDue else { return }
        self.replicas[index].hasNews = false
        self.replicas[index].readAt = now
        let since = self.replicas[index].version
        let reading = try await self.call(index) { try await $0.breakers(since: since) }
        for sight in reading.moved { self.decide(index, sight) }
        self.replicas[index].version = reading.newest
        for place in 0..<Self.instances { self.replicas[index].breakers[place].setInTouch(true) }
    }

    private mutating func decide(_ index: Int, _ sight: BreakerSight) {
        guard let place = self.keys.firstIndex(of: sight.instance) else { return }
        let now = self.cluster.now
        var decision = SharedBreaker.Decision(
            phase: sight.phase,
            version: sight.version,
            generation: sight.generation,
            trips: sight.trips
        )
        decision.openedAt = now + (.zero - sight.openedAgo)
        decision.retryAt = now + sight.retryIn
        _ = self.replicas[index].breakers[place].decide(decision, now: now)
        guard decision.phase != .closed else { return }
        for other in 0..<Self.instances where self.out(index) > Self.instances / 2 {
            self.replicas[index].breakers[other].yield(now: now)
        }
    }

    private func out(_ index: Int) -> Int { self.replicas[index].breakers.count { $0.phase != .closed } }

    private mutating func ask(_ index: Int) async throws {
        let session = self.replicas[index].session
        for place in 0..<Self.instances {
            guard let wish = self.replicas[index].breakers[place].wish(now: self.cluster.now) else { continue }
            let name = ProbeName(instance: self.keys[place], session: session, number: wish.number)
            let reply: ProbeReply
            do {
                reply = try await self.call(index) {
                    try await $0.askForProbe(name, policy: Self.rules, ttl: .seconds(15), waits: wish.isUrgent)
                }
            } catch {
                self.replicas[index].breakers[place].answered(wish.number, .unknown, now: self.cluster.now)
                throw error
            }
            self.answer(index, place, wish, reply)
        }
    }

    private mutating func answer(_ index: Int, _ place: Int, _ wish: SharedBreaker.Wish, _ reply: ProbeReply) {
        let now = self.cluster.now
        switch reply {
        case .granted: self.replicas[index].breakers[place].answered(wish.number, .granted, now: now)
        case .taken:
            self.replicas[index].breakers[place].answered(wish.number, .taken, now: now)
            guard wish.isUrgent else { return }
            for other in self.replicas.indices where other != index && self.cluster.chance(95) {
                self.replicas[other].breakers[place].othersWant()
            }
        case .lapsed: self.replicas[index].breakers[place].answered(wish.number, .taken, now: now)
        case .open(let wait):
            self.replicas[index].breakers[place].answered(wish.number, .open(retryAt: now + wait), now: now)
        case .closed(let generation):
            self.replicas[index].breakers[place].answered(wish.number, .closed(generation: generation), now: now)
        }
    }

    // MARK: Promises

    private mutating func check() async throws {
        let reading = try await self.cluster.state.breakers(since: 0)
        let out = reading.moved.count { $0.phase != .closed }
        if out > Self.instances / 2 { self.complaints.append("\(out) of \(Self.instances) are out in Redis") }
        for index in self.replicas.indices where self.out(index) > Self.instances / 2 {
            self.complaints.append("\(self.out(index)) are out at \(self.replicas[index].name)")
        }
        for place in 0..<Self.instances {
            // A replica that is cut off decides alone, and its requests cannot be called back.
            let flying = self.replicas.filter(\.isReached).flatMap(\.flying).filter {
                $0.instance == place && $0.probe.token < 0
            }
            if flying.count > Self.probesMax { self.complaints.append("\(flying.count) probes at instance \(place)") }
            self.measure(place)
        }
    }

    private mutating func measure(_ place: Int) {
        guard let since = self.tripped[place] else { return }
        let reached = self.replicas.filter { $0.isReached && $0.cutUntil.map { $0 < since } ?? true }
        guard reached.allSatisfy({ $0.breakers[place].phase != .closed }) else { return }
        self.slowest = max(self.slowest, self.cluster.now - since)
        self.tripped[place] = nil
    }

    /// Whether Redis and all replicas think that all is well.
    func isAllClosed() async throws -> Bool {
        let reading = try await self.cluster.state.breakers(since: 0)
        return reading.moved.allSatisfy { $0.phase == .closed }
            && self.replicas.allSatisfy { $0.breakers.allSatisfy { $0.phase == .closed } }
    }
}

extension BreakerWorld.Replica {
    var isReached: Bool { self.breakers.allSatisfy(\.isInTouch) }
}
