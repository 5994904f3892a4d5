import ClusterState
import Decisions
import ManagerTesting
import Registry
import Testing

/// Replicas that follow switches while they are paused and killed and Redis' clock is stepped.
///
/// What an operator was told, a replica that may begin requests must not contradict.
private struct SwitchWorld {
    struct Replica {
        let name: String
        let boot: Int
        var session: SessionMachine
        var catchUp = CatchUpMachine()
        /// The number of switches that it knows of, and the epoch of the last one.
        var known = 0
        var epoch = Epoch.zero
        var sleepsUntil: Instant?
        /// What Redis answered, and when the replica will hear it.
        var answer: (heard: SessionMachine.Answer, sentAt: Instant, at: Instant)?
        var catchesUp: (ordinal: Int, known: Int)?
        var isReady: Bool { self.answer == nil }
    }

    var cluster: SimulatedCluster
    let type: ModelType
    let versions: [ModelVersion]
    var replicas: [Replica] = []
    /// Switches that the store has, with their epochs; and how many of them were answered.
    var epochs: [Epoch] = [.zero]
    var answered = 0
    var pauses = 0
    var steppedAt = Instant(nanoseconds: 0)
    /// A session's margin covers four leaps of the lease clock while it is trusted.
    static let betweenSteps = Duration.milliseconds(1200)
    var betrayals: [String] = []
    var boots = 0

    init(_ cluster: SimulatedCluster, replicas: Int) throws {
        self.cluster = cluster
        self.type = try #require(ModelType("LSTM"))
        self.versions = try ["v1", "v2"].map { try #require(ModelVersion($0)) }
        for number in 0..<replicas { self.replicas.append(self.born("r\(number)")) }
    }

    private mutating func born(_ name: String) -> Replica {
        self.boots += 1
        return Replica(name: name, boot: self.boots, session: SessionMachine(ttl: .seconds(6)))
    }

    mutating func run(steps: Int) async throws {
        try await self.cluster.setClock()
        for version in self.versions {
            var definition = try Samples.definition("s-\(version)")
            definition.modelType = self.type
            definition.modelVersion = version
            _ = try await self.cluster.state.register(definition, source: .api, floor: .zero)
        }
        for _ in 0..<steps {
            self.cluster.now = self.cluster.now + self.cluster.milliseconds(5...60)
            try await self.cluster.setClock()
            for index in self.replicas.indices { try await self.live(index) }
            try await self.operate()
            self.makeTrouble()
        }
    }

    private mutating func live(_ index: Int) async throws {
        if let end = self.replicas[index].sleepsUntil {
            guard end <= self.cluster.now else { return }
            self.replicas[index].sleepsUntil = nil
            // It wakes up with a request in its hands, before it hears anything.
            self.serve(index)
        }
        self.hear(index)
        if self.cluster.chance(40) { self.follow(index) }
        self.replicas[index].catchUp.tick(now: self.cluster.now, isAnswered: true)
        try await self.beat(index)
        self.serve(index)
    }

    private mutating func follow(_ index: Int) {
        self.replicas[index].known = self.epochs.count - 1
        self.replicas[index].epoch = self.epochs[self.epochs.count - 1]
        guard let wanted = self.replicas[index].catchesUp, self.replicas[index].session.openOrdinal == wanted.ordinal,
            let until = self.replicas[index].session.trustedUntil
        else { return }
        self.replicas[index].catchesUp = nil
        self.replicas[index].catchUp.caughtUp(ordinal: wanted.ordinal)
        _ = self.replicas[index].catchUp.trusted(ordinal: wanted.ordinal, until: until)
    }

    private mutating func beat(_ index: Int) async throws {
        guard self.replicas[index].isReady else { return }
        let now = self.cluster.now
        let ordinal: Int
        let sentAt: Int64?
        switch self.replicas[index].session.beat(now: now, random: 0.5) {
        case .nothing: return
        case .open(let number): (ordinal, sentAt) = (number, nil)
        case .extend(let number, let time): (ordinal, sentAt) = (number, time)
        }
        let name = "\(self.replicas[index].name).\(self.replicas[index].boot)-\(ordinal)"
        var report = Samples.status
        report.epoch = self.replicas[index].epoch
        let reply = try await self.cluster.state.beat(name, for: .seconds(6), sentAt: sentAt, report)
        let answer = SessionMachine.Answer(reply, of: name)
        self.replicas[index].answer = (answer, now, now + self.cluster.milliseconds(0...30))
    }

    private mutating func hear(_ index: Int) {
        guard let answer = self.replicas[index].answer, answer.at <= self.cluster.now else { return }
        self.replicas[index].answer = nil
        _ = self.replicas[index].session.answered(answer.heard, sentAt: answer.sentAt, now: self.cluster.now)
        guard let ordinal = self.replicas[index].session.openOrdinal,
            let until = self.replicas[index].session.trustedUntil
        else { return }
        let action = self.replicas[index].catchUp.trusted(ordinal: ordinal, until: until)
        if action == .catchUp(ordinal: ordinal) {
            self.replicas[index].catchesUp = (ordinal, self.epochs.count - 1)
        }
        // Tell the others soon what is known.
        self.replicas[index].session.hurry(now: self.cluster.now)
    }

    /// A request begins, unless it has to wait.
    private mutating func serve(_ index: Int) {
        let replica = self.replicas[index]
        guard let until = replica.catchUp.serveUntil, self.cluster.now < until else { return }
        guard replica.known < self.answered else { return }
        self.betrayals.append("\(replica.name) serves switch \(replica.known) when \(self.answered) was answered")
    }

    /// One switch at a time; the next one comes some time after the answer.
    private mutating func operate() async throws {
        let state = self.cluster.state
        if self.answered == self.epochs.count - 1 {
            guard self.cluster.chance(5) else { return }
            let order = SwitchOrder(version: self.versions[self.epochs.count % 2])
            guard case .changed(let change) = try await state.switchModel(self.type, to: order, floor: .zero) else {
                return
            }
            self.epochs.append(change.epoch)
        }
        if try await state.replicas(behind: self.epochs[self.epochs.count - 1]).isEmpty {
            self.answered = self.epochs.count - 1
        }
    }

    private mutating func makeTrouble() {
        let index = Int.random(in: 0..<self.replicas.count, using: &self.cluster.random)
        if self.cluster.chance(1) {
            self.pauses += 1
            self.replicas[index].sleepsUntil = self.cluster.now + self.cluster.milliseconds(100...15_000)
        } else if self.cluster.chance(1) {
            self.replicas[index] = self.born(self.replicas[index].name)
        } else if self.cluster.now - self.steppedAt > Self.betweenSteps, self.cluster.chance(2) {
            self.steppedAt = self.cluster.now
            self.cluster.stepClock()
        }
    }
}

@Suite struct `A switch among replicas that sleep and die` {
    @Test(arguments: SimulatedCluster.seeds())
    func `is contradicted by nobody once it was answered`(seed: SeededRandom) async throws {
        try await SimulatedCluster.run(seed) { cluster in
            var world = try SwitchWorld(cluster, replicas: 3)
            try await world.run(steps: 3000)
            #expect(world.betrayals == [])
            #expect(world.answered > 20, "switches go on")
            #expect(world.pauses > 5)
        }
    }

    @Test func `would be, without the barrier`() async throws {
        let barrier = "if (tonumber(epoch) or 0) < tonumber(args[1]) then"
        try await SimulatedCluster.run(SeededRandom(seed: 1), edits: [(barrier, "if false then")]) { cluster in
            var world = try SwitchWorld(cluster, replicas: 3)
            try await world.run(steps: 1000)
            #expect(world.betrayals != [])
        }
    }
}
