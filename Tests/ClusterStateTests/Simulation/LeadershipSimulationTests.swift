import ClusterState
import Decisions
import ManagerTesting
import RedisClient
import Registry
import Testing

/// Replicas that campaign, lead, write, hang, die and leave, over the real functions.
struct LeadershipWorld {
    struct Replica {
        var machine: CampaignMachine
        var isAlive = true
        /// Hangs until then: it does nothing, and what it was about to do it does then.
        var pausedUntil: Instant?
        /// When the campaign was sent whose answer it waits for.
        var asksSince: Instant?
    }

    /// What the network does to calls.
    enum Network: CaseIterable {
        case calm
        /// One in ten arrives seconds after it was sent, whether its sender lives or not; answers come at once.
        case late
        /// Calls and answers are late or lost.
        case lossy
    }

    enum Call { case campaign(Int64?, sentAt: Instant), resign, write(Term), look }
    enum Event {
        case tick(Int)
        case arrive(Int, Call)
        case answer(Int, CampaignReply, sentAt: Instant)
        case seen(Int, LeaderSight)
        case lost(Int, sentAt: Instant)
        case trouble
    }

    var cluster: SimulatedCluster
    var replicas: [Replica]
    var agenda = Agenda<Event>()
    var complaints: [String] = []
    var written: [Term] = []
    var fenced = 0
    let network: Network
    /// A campaign counts from when it arrives, not from when it was sent.
    var campaignsCountFromArrival = false
    /// A leader that leaves gives the leadership back.
    var resigns = true
    /// Since when nobody believed to lead, and why.
    var vacantSince: Instant?
    var isHandedOver = false
    var vacancies: [Duration] = []
    var handOvers: [Duration] = []

    init(_ cluster: SimulatedCluster, replicas count: Int, network: Network = .lossy) {
        self.cluster = cluster
        self.network = network
        self.replicas = (0..<count).map {
            Replica(machine: CampaignMachine(candidate: "r\($0).1", ttl: .seconds(6), now: cluster.now))
        }
        for index in 0..<count { self.agenda.plan(.tick(index), at: cluster.now) }
        self.agenda.plan(.trouble, at: cluster.now + .seconds(9))
    }

    mutating func run(for duration: Duration) async throws {
        let end = self.cluster.now + duration
        while let (at, event) = self.agenda.next() {
            guard at < end else {
                self.agenda.plan(event, at: at)
                break
            }
            self.cluster.now = at
            try await self.take(event)
            self.check()
        }
        self.cluster.now = end
    }

    private mutating func take(_ event: Event) async throws {
        let now = self.cluster.now
        if let index = self.subject(event), let until = self.replicas[index].pausedUntil {
            if until > now { return self.agenda.plan(event, at: until) }
            self.replicas[index].pausedUntil = nil
        }
        switch event {
        case .tick(let index) where self.replicas[index].isAlive: self.tick(index)
        case .arrive(let index, let call): try await self.arrive(index, call)
        case .answer(let index, let reply, let sentAt) where self.replicas[index].asksSince == sentAt:
            self.answered(index, reply, sentAt: sentAt)
        case .seen(let index, let sight):
            _ = self.replicas[index].machine.observed(
                holder: sight.holder,
                sight.term,
                remaining: sight.remaining,
                now: now
            )
        case .lost(let index, let sentAt) where self.replicas[index].asksSince == sentAt:
            self.replicas[index].asksSince = nil
            self.replicas[index].machine.failed(now: now)
        case .trouble: self.makeTrouble()
        case .tick, .answer, .lost: break
        }
    }

    /// Whose doing an event is; what is under way to Redis arrives also when its sender hangs.
    private func subject(_ event: Event) -> Int? {
        switch event {
        case .tick(let index), .answer(let index, _, _), .seen(let index, _), .lost(let index, _): index
        case .arrive, .trouble: nil
        }
    }

    private mutating func tick(_ index: Int) {
        let now = self.cluster.now
        switch self.replicas[index].machine.due(now: now) {
        case .ask(let time): self.send(index, .campaign(self.campaignsCountFromArrival ? .max : time, sentAt: now))
        case .nothing, .deposed: break
        }
        if let term = self.replicas[index].machine.term(now: now), self.cluster.chance(30) {
            // The hard case: the leader made up its mind, hangs, and its write comes much later.
            let delay = self.cluster.chance(10) ? self.cluster.milliseconds(5000...20_000) : self.delay()
            self.agenda.plan(.arrive(index, .write(term)), at: now + delay)
        }
        // In life every replica reads the breakers five times a second, which keeps the lease clock true; rarer calls
        // make it slow, and leases longer. Beats show who leads.
        if self.cluster.chance(50) { self.send(index, .look) }
        self.agenda.plan(.tick(index), at: now + .milliseconds(100))
    }

    private mutating func delay(isAnswer: Bool = false) -> Duration {
        switch self.network {
        case .late where !isAnswer && self.cluster.chance(10): self.cluster.milliseconds(100...8000)
        case .lossy where self.cluster.chance(5): self.cluster.milliseconds(100...3000)
        case .calm, .late, .lossy: self.cluster.milliseconds(1...5)
        }
    }

    private mutating func send(_ index: Int, _ call: Call) {
        let now = self.cluster.now
        if case .campaign = call {
            // An answer that comes after half a second finds nobody who waits for it.
            self.replicas[index].asksSince = now
            self.agenda.plan(.lost(index, sentAt: now), at: now + .milliseconds(500))
            if self.network == .lossy, self.cluster.chance(10) { return }
        }
        self.agenda.plan(.arrive(index, call), at: now + self.delay())
    }

    private mutating func arrive(_ index: Int, _ call: Call) async throws {
        let now = self.cluster.now
        try await self.cluster.setClock()
        switch call {
        case .campaign(let time, let sentAt):
            try await self.campaign(index, time, sentAt: sentAt)
        case .resign:
            try await self.cluster.state.resign(as: self.replicas[index].machine.candidate)
            for other in self.replicas.indices where other != index {
                let term = self.replicas[index].machine.newestTerm
                self.replicas[other].machine.heardResignation(of: term, now: now)
            }
        case .write(let term):
            try await self.write(term)
        case .look:
            guard case .opened(let sight) = try await self.look(index) else { return }
            self.agenda.plan(.seen(index, sight.leader), at: now + .milliseconds(2))
        }
    }

    private mutating func campaign(_ index: Int, _ time: Int64?, sentAt: Instant) async throws {
        let (candidate, now) = (self.replicas[index].machine.candidate, self.cluster.now)
        let reply = try await self.cluster.state.campaign(as: candidate, for: .seconds(6), sentAt: time)
        guard self.replicas[index].isAlive, self.network != .lossy || !self.cluster.chance(5) else { return }
        self.agenda.plan(.answer(index, reply, sentAt: sentAt), at: now + self.delay(isAnswer: true))
    }

    /// Reads the record as a beat does, under a session of no other use.
    private mutating func look(_ index: Int) async throws -> BeatReply {
        let name = "r\(index).\(UInt64.random(in: 0...UInt64.max, using: &self.cluster.random))"
        return try await self.cluster.state.beat(name, for: .milliseconds(1), sentAt: nil, Samples.status)
    }

    private mutating func write(_ term: Term) async throws {
        let prefix = self.cluster.state.keys.prefix
        let word = RedisWord(term.rawValue)
        let reply = try await self.cluster.redis.call("test_write", keys: [prefix], arguments: [word])
        guard reply.array?.first?.string == "written" else { return self.fenced += 1 }
        if let last = self.written.last, term < last { self.complaints.append("\(term) wrote after \(last)") }
        self.written.append(term)
    }

    private mutating func answered(_ index: Int, _ reply: CampaignReply, sentAt: Instant) {
        let (now, lead) = (self.cluster.now, reply.leader)
        self.replicas[index].asksSince = nil
        let clock = LeaseClockReading(milliseconds: reply.leaseClock, at: now)
        switch reply.status {
        case .taken, .renewed:
            let action = self.replicas[index].machine.won(
                lead.term,
                remaining: lead.remaining,
                sentAt: sentAt,
                clock: clock,
                now: now
            )
            if action == .resign { self.send(index, .resign) }
        case .held:
            let (holder, left) = (lead.holder ?? "", lead.remaining)
            _ = self.replicas[index].machine.held(by: holder, lead.term, remaining: left, clock: clock, now: now)
        case .late:
            self.replicas[index].machine.late(clock: clock, now: now)
        }
    }

    /// Kills, hangs or sends away the leader, or sets Redis' clock. A dead replica comes back at once as another one.
    private mutating func makeTrouble() {
        let now = self.cluster.now
        self.agenda.plan(.trouble, at: now + self.cluster.milliseconds(8000...15_000))
        let leader = self.replicas.indices.first { self.replicas[$0].machine.term(now: now) != nil }
        guard let leader, self.replicas[leader].pausedUntil == nil else { return }
        let isFirst = self.replicas.allSatisfy(\.isAlive)
        switch isFirst ? 0 : Int.random(in: 0..<4, using: &self.cluster.random) {
        case 0: self.replace(leader)
        case 1: self.replicas[leader].pausedUntil = now + self.cluster.milliseconds(1000...20_000)
        case 2:
            if self.replicas[leader].machine.leave() == .resign {
                if self.resigns { self.agenda.plan(.arrive(leader, .resign), at: now + .milliseconds(2)) }
                self.isHandedOver = true
                self.retire(leader)
            }
        default: self.cluster.stepClock()
        }
    }

    private mutating func retire(_ index: Int) {
        // Its place is taken by a newcomer of the same number, once the resignation was sent.
        self.replicas[index].isAlive = false
        self.addReplica()
    }

    private mutating func replace(_ index: Int) {
        self.isHandedOver = false
        self.retire(index)
    }

    private mutating func addReplica() {
        let index = self.replicas.count
        let machine = CampaignMachine(candidate: "r\(index).1", ttl: .seconds(6), now: self.cluster.now)
        self.replicas.append(Replica(machine: machine))
        self.agenda.plan(.tick(index), at: self.cluster.now)
    }

    private mutating func check() {
        let now = self.cluster.now
        let believers = self.replicas.indices.filter {
            self.replicas[$0].isAlive && self.replicas[$0].machine.term(now: now) != nil
        }
        if believers.count > 1 { self.complaints.append("\(believers) believe to lead") }
        if let since = self.vacantSince, !believers.isEmpty {
            if self.isHandedOver { self.handOvers.append(now - since) } else { self.vacancies.append(now - since) }
            self.vacantSince = nil
            self.isHandedOver = false
        } else if self.vacantSince == nil, believers.isEmpty {
            self.vacantSince = now
        }
    }
}

@Suite(.serialized) struct `Leadership, whatever happens,` {
    static let write = """
        local function test_write(keys, args)
            return { fence(keys[1], args[1]) and 'written' or 'fenced' }
        end
        publish('test_write', test_write)
        """

    /// A vacant place is filled within 8 s, however late calls are; those that are lost add what they cost.
    @Test(arguments: SimulatedCluster.seeds(), LeadershipWorld.Network.allCases)
    func `is believed by one, writes by rising terms, and is soon filled`(
        seed: SeededRandom,
        network: LeadershipWorld.Network
    ) async throws {
        try await SimulatedCluster.run(seed, adding: Self.write) { cluster in
            var world = LeadershipWorld(cluster, replicas: 3, network: network)
            try await world.run(for: .seconds(60))
            #expect(world.complaints.isEmpty)
            #expect(Set(world.written).count >= 2, "too few leaders: the run says nothing")
            let longest = Duration.seconds(network == .lossy ? 14 : 8)
            #expect(world.vacancies.allSatisfy { $0 <= longest }, "\(world.vacancies)")
            if network == .calm {
                #expect(world.handOvers.allSatisfy { $0 <= .milliseconds(500) }, "\(world.handOvers)")
            }
        }
    }

    @Test func `would be vacant for longer if a campaign counted from when it arrives`() async throws {
        var longest = Duration.zero
        for seed in SeededRandom.runs(60) where longest <= .seconds(8) {
            try await SimulatedCluster.run(seed, adding: Self.write) { cluster in
                var world = LeadershipWorld(cluster, replicas: 3, network: .late)
                world.campaignsCountFromArrival = true
                try await world.run(for: .seconds(60))
                longest = world.vacancies.reduce(longest, max)
            }
        }
        #expect(longest > .seconds(8), "the simulation would not notice")
    }

    @Test func `would be vacant for longer if a leader left without a word`() async throws {
        var longest = Duration.zero
        for seed in SeededRandom.runs(8) where longest <= .milliseconds(500) {
            try await SimulatedCluster.run(seed, adding: Self.write) { cluster in
                var world = LeadershipWorld(cluster, replicas: 3, network: .calm)
                world.resigns = false
                try await world.run(for: .seconds(60))
                longest = world.handOvers.reduce(longest, max)
            }
        }
        #expect(longest > .milliseconds(500), "the simulation would not notice")
    }

    @Test func `would not write in order without the fence`() async throws {
        var violated = 0
        for seed in SeededRandom.runs(8) {
            let edits = [("return term >= current", "return true")]
            try await SimulatedCluster.run(seed, edits: edits, adding: Self.write) { cluster in
                var world = LeadershipWorld(cluster, replicas: 3)
                try await world.run(for: .seconds(60))
                violated += world.complaints.isEmpty ? 0 : 1
            }
        }
        #expect(violated > 0, "the simulation would not notice a missing fence")
    }
}
