import ClusterState
import Decisions
import ManagerTesting
import RedisClient
import Registry
import Testing

/// Replicas with sessions and permits of one instance, under load, over the real functions.
///
/// What is watched after every step: of the requests in flight, those that were admitted under a session which Redis
/// still counts never exceed the limit, and neither do the grants of live sessions, as long as no replica had to declare
/// requests from a session that was over.
struct PermitWorld {
    struct Request: Hashable {
        var id: Int
        var session: String
    }

    struct Replica {
        var session = SessionMachine(ttl: .seconds(6))
        var holder = PermitHolder()
        var isAlive = true
        var pausedUntil: Instant?
        /// No call arrives, no answer comes.
        var cutUntil: Instant?
        /// Its calls are neither lost nor late.
        var isNear = false
        var admitted = 0
        var waiting = 0
        var inFlight: [Request] = []
        var load = 10
    }

    enum Call { case beat(ordinal: Int, leaseTime: Int64?, sentAt: Instant), permit(session: String, PermitAsk) }
    enum Event {
        case tick(Int)
        /// The breakers are read, which keeps the lease clock true.
        case read(Int)
        case request(Int)
        case finish(Int, Request)
        case arrive(Int, Call)
        case beaten(Int, SessionMachine.Answer, sentAt: Instant)
        case answered(Int, session: String, PermitAsk, [PermitAnswer]?)
        case failed(Int, Call)
        case trouble
    }

    /// Ways of doing it wrong, for negative controls.
    struct Mistakes {
        /// Uses what it asked for before Redis agreed.
        var usesBeforeGrant = false
        /// Tells Redis of a lower holding before it stops using it.
        var tellsBeforeLowering = false
        /// Does not say in a beat when it was sent.
        var beatsWithoutTime = false
    }

    var cluster: SimulatedCluster
    let limit: Int
    let mistakes: Mistakes
    let instance: InstanceKey
    var replicas: [Replica] = []
    var agenda = Agenda<Event>()
    var complaints: [String] = []
    /// What went wrong when, for whoever reads of a failure.
    var troubles: [String] = []
    var served = 0
    var calls = 0
    var requests = 0
    var killedAt: Instant?
    /// Sessions that Redis counts as alive, with what it counts for them.
    var grants: [String: Int] = [:]
    var hasDeclared = false
    var pauses = true
    var hasTrouble = true
    /// Percent of calls that arrive late, often after their sender gave them up.
    var lateShare = 4
    /// Percent of calls, and of answers, that are lost.
    var lossShare = 3
    /// Counts requests of sessions that are over as well: right where no replica is ever out of touch.
    var countsAll = false

    init(_ cluster: SimulatedCluster, replicas count: Int, limit: Int, mistakes: Mistakes = Mistakes()) throws {
        self.cluster = cluster
        self.limit = limit
        self.mistakes = mistakes
        self.instance = InstanceKey(service: try Samples.id("lstm"), url: try ServiceURL("http://lstm:8000"))
        for _ in 0..<count { self.addReplica() }
        self.agenda.plan(.trouble, at: cluster.now + .seconds(5))
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
            self.checkInFlight()
            // What follows a violation proves nothing.
            if !self.complaints.isEmpty { break }
        }
        self.cluster.now = end
    }

    private mutating func addReplica() {
        let index = self.replicas.count
        self.replicas.append(Replica(load: Int.random(in: 1...12, using: &self.cluster.random)))
        self.agenda.plan(.tick(index), at: self.cluster.now)
        self.agenda.plan(.read(index), at: self.cluster.now)
        self.agenda.plan(.request(index), at: self.cluster.now)
    }

    private mutating func take(_ event: Event) async throws {
        let now = self.cluster.now
        if let index = self.subject(event) {
            guard self.replicas[index].isAlive else { return }
            if let until = self.replicas[index].pausedUntil {
                if until > now { return self.agenda.plan(event, at: until) }
                self.replicas[index].pausedUntil = nil
            }
        }
        switch event {
        case .tick(let index): self.tick(index)
        case .read(let index): try await self.read(index)
        case .request(let index): self.request(index)
        case .finish(let index, let request): self.finish(index, request)
        case .arrive(let index, let call): try await self.arrive(index, call)
        case .beaten(let index, let reply, let sentAt): self.beaten(index, reply, sentAt: sentAt)
        case .answered(let index, let session, let ask, let answers): self.answered(index, session, ask, answers)
        case .failed(let index, let call): self.failed(index, call)
        case .trouble: self.makeTrouble()
        }
    }

    /// A request ends at its instance also when the replica hangs; but the replica hears of it later.
    private func subject(_ event: Event) -> Int? {
        switch event {
        case .tick(let index), .read(let index), .request(let index), .beaten(let index, _, _),
            .answered(let index, _, _, _),
            .failed(let index, _), .finish(let index, _):
            index
        case .arrive, .trouble: nil
        }
    }
}

// MARK: What a replica does

extension PermitWorld {
    private func name(_ index: Int, _ ordinal: Int) -> String { "r\(index).x-\(ordinal)" }

    private func sessionName(_ index: Int) -> String? {
        self.replicas[index].session.openOrdinal.map { self.name(index, $0) }
    }

    private mutating func tick(_ index: Int) {
        let now = self.cluster.now
        let random = Double.random(in: 0..<1, using: &self.cluster.random)
        switch self.replicas[index].session.beat(now: now, random: random) {
        case .nothing: break
        case .open(let ordinal): self.send(index, .beat(ordinal: ordinal, leaseTime: nil, sentAt: now))
        case .extend(let ordinal, let leaseTime):
            let told = self.mistakes.beatsWithoutTime ? .max : leaseTime
            self.send(index, .beat(ordinal: ordinal, leaseTime: told, sentAt: now))
        }
        self.turn(index)
        self.agenda.plan(.tick(index), at: now + .milliseconds(50))
    }

    private mutating func read(_ index: Int) async throws {
        let now = self.cluster.now
        self.agenda.plan(.read(index), at: now + .milliseconds(200))
        if let until = self.replicas[index].cutUntil, until > now { return }
        try await self.cluster.setClock()
        _ = try await self.cluster.state.breakers(since: 0)
    }

    private mutating func request(_ index: Int) {
        guard self.replicas[index].load > 0 else { return }
        let now = self.cluster.now
        self.requests += 1
        if self.replicas[index].waiting < 2 * self.limit { self.replicas[index].waiting += 1 }
        self.turn(index)
        let pause = self.cluster.milliseconds(1...(2000 / self.replicas[index].load))
        self.agenda.plan(.request(index), at: now + pause)
    }

    private mutating func finish(_ index: Int, _ request: Request) {
        self.replicas[index].inFlight.removeAll { $0 == request }
        self.served += 1
        self.turn(index)
    }

    private func demand(_ index: Int) -> PermitHolder.Demand {
        let replica = self.replicas[index]
        return .init(
            limit: self.limit,
            limitEpoch: Epoch(1),
            inFlight: replica.inFlight.count,
            waiting: replica.waiting
        )
    }

    /// What `PermitReserver.turn` does, without waiting.
    private mutating func turn(_ index: Int) {
        let now = self.cluster.now
        guard let session = self.sessionName(index) else { return self.admit(index) }
        let before = self.demand(index)
        let isTrusted = self.replicas[index].session.isTrusted(now: now)
        if !self.mistakes.tellsBeforeLowering { self.settle(index, before, isTrusted) }
        if let ask = self.replicas[index].holder.ask(self.demand(index), now: now) {
            let state = PermitAsk(
                instance: self.instance,
                number: ask.number,
                held: self.mistakes.tellsBeforeLowering ? 0 : ask.held,
                inFlight: ask.inFlight,
                want: ask.want,
                stock: ask.stock,
                limit: ask.limit,
                limitEpoch: ask.limitEpoch
            )
            if self.mistakes.usesBeforeGrant { self.replicas[index].admitted = ask.want }
            self.send(index, .permit(session: session, state))
        }
        self.admit(index)
    }

    private mutating func settle(_ index: Int, _ demand: PermitHolder.Demand, _ isTrusted: Bool) {
        let now = self.cluster.now
        switch self.replicas[index].holder.settle(demand, isTrusted: isTrusted, now: now) {
        case .nothing: break
        case .admit(let held): self.replicas[index].admitted = held
        }
    }

    /// The data plane: one comparison.
    private mutating func admit(_ index: Int) {
        let session = self.sessionName(index) ?? self.name(index, 0)
        while self.replicas[index].waiting > 0, self.replicas[index].inFlight.count < self.replicas[index].admitted {
            let request = Request(id: self.requests * 1000 + self.replicas[index].waiting, session: session)
            self.replicas[index].waiting -= 1
            self.replicas[index].inFlight.append(request)
            let duration = self.cluster.milliseconds(20...400)
            self.agenda.plan(.finish(index, request), at: self.cluster.now + duration)
        }
    }

    private mutating func send(_ index: Int, _ call: Call) {
        let now = self.cluster.now
        self.calls += 1
        let isCut = self.replicas[index].cutUntil.map { $0 > now } ?? false
        let isNear = self.replicas[index].isNear
        if isCut || !isNear && self.cluster.chance(self.lossShare) {
            return self.agenda.plan(.failed(index, call), at: now + .milliseconds(500))
        }
        // A call may arrive long after its sender gave it up, behind a later one.
        let delay =
            !isNear && self.cluster.chance(self.lateShare)
            ? self.cluster.milliseconds(200...2500) : self.cluster.milliseconds(1...4)
        self.agenda.plan(.arrive(index, call), at: now + delay)
        if delay > .milliseconds(500) { self.agenda.plan(.failed(index, call), at: now + .milliseconds(500)) }
    }

    private mutating func arrive(_ index: Int, _ call: Call) async throws {
        let now = self.cluster.now
        try await self.cluster.setClock()
        // A late answer to a call that was given up is dropped with its connection.
        let isDropped = !self.replicas[index].isNear && self.cluster.chance(self.lossShare)
        let delay = self.cluster.milliseconds(1...4)
        switch call {
        case .beat(let ordinal, let leaseTime, let sentAt):
            let name = self.name(index, ordinal)
            let reply = try await self.cluster.state.beat(name, for: .seconds(6), sentAt: leaseTime, Samples.status)
            if now - sentAt > .milliseconds(500) { break }
            if isDropped {
                self.agenda.plan(.failed(index, call), at: sentAt + .milliseconds(500))
            } else {
                self.agenda.plan(.beaten(index, .init(reply, of: name), sentAt: sentAt), at: now + delay)
            }
        case .permit(let session, let ask):
            let answers = try await self.cluster.state.leasePermits([ask], session: session)
            if isDropped {
                self.agenda.plan(.failed(index, call), at: now + .milliseconds(500))
            } else {
                self.agenda.plan(.answered(index, session: session, ask, answers), at: now + delay)
            }
        }
        try await self.checkGrants()
    }

    private mutating func beaten(_ index: Int, _ answer: SessionMachine.Answer, sentAt: Instant) {
        switch self.replicas[index].session.answered(answer, sentAt: sentAt, now: self.cluster.now) {
        case .nothing: break
        case .began, .lost: self.lose(index)
        }
        self.turn(index)
    }

    private mutating func lose(_ index: Int) {
        if !self.replicas[index].inFlight.isEmpty { self.hasDeclared = true }
        self.replicas[index].holder.lost()
        self.settle(index, self.demand(index), true)
    }

    private mutating func answered(_ index: Int, _ session: String, _ ask: PermitAsk, _ answers: [PermitAnswer]?) {
        let now = self.cluster.now
        guard session == self.sessionName(index) else { return }
        switch answers?.first {
        case .held(let holding):
            let rule = PermitHolder.Answer(
                granted: holding.granted,
                entitled: holding.entitled,
                share: holding.share,
                waiters: holding.waiters,
                over: holding.over,
                isFrozen: holding.isFrozen
            )
            self.replicas[index].holder.answered(rule, number: ask.number, now: now)
        case .stale(let number): self.replicas[index].holder.stale(number, number: ask.number)
        case nil:
            let ordinal = self.replicas[index].session.ordinal
            if self.replicas[index].session.heardLapsed(ordinal: ordinal) == .lost { self.lose(index) }
        }
        if self.mistakes.tellsBeforeLowering { self.settle(index, self.demand(index), true) }
        self.turn(index)
    }

    private mutating func failed(_ index: Int, _ call: Call) {
        switch call {
        case .beat: self.replicas[index].session.failed(now: self.cluster.now)
        case .permit(_, let ask): self.replicas[index].holder.failed(number: ask.number, now: self.cluster.now)
        }
    }
}

// MARK: Trouble, and what must hold in it

extension PermitWorld {
    private mutating func makeTrouble() {
        guard self.hasTrouble else { return }
        let now = self.cluster.now
        self.agenda.plan(.trouble, at: now + self.cluster.milliseconds(3000...9000))
        let living = self.replicas.indices.filter { self.replicas[$0].isAlive }
        let index = living.randomElement(using: &self.cluster.random) ?? 0
        let kind = Int.random(in: 0..<4, using: &self.cluster.random)
        let name =
            kind == 0 ? "killed" : self.pauses && kind == 1 ? "paused" : self.pauses && kind == 2 ? "cut" : "step"
        self.troubles.append("\(now.nanoseconds / 1_000_000 - 1_000_000): r\(index) \(name), held \(self.grants)")
        switch kind {
        case 0:
            // Its requests end with its connections.
            self.replicas[index].isAlive = false
            self.replicas[index].inFlight = []
            self.addReplica()
        case 1 where self.pauses: self.replicas[index].pausedUntil = now + self.cluster.milliseconds(500...12_000)
        case 2 where self.pauses: self.replicas[index].cutUntil = now + self.cluster.milliseconds(500...12_000)
        default: self.cluster.stepClock()
        }
    }

    /// Redis loses everything.
    func empty() async throws {
        let keys = try await self.cluster.redis.send(["KEYS", RedisWord(self.cluster.state.keys.prefix + "*")])
        let names = (keys.array ?? []).compactMap(\.string).map { RedisWord($0) }
        if !names.isEmpty { _ = try await self.cluster.redis.send(["DEL"] + names) }
    }

    /// Reads what Redis counts.
    private mutating func checkGrants() async throws {
        let keys = self.cluster.state.keys
        let replies = try await self.cluster.redis.send(pipeline: [
            ["HGET", RedisWord(keys.meta), "lease_clock"],
            ["ZRANGE", RedisWord(keys.sessions), "0", "-1", "WITHSCORES"],
            ["HGETALL", RedisWord(keys.permits(self.instance.description))],
        ])
        let clock = replies[0].integer ?? 0
        let sessions = replies[1].array ?? []
        let permits = (replies[2].array ?? []).map { $0.string ?? "" }
        self.grants = [:]
        for place in stride(from: 0, to: sessions.count - 1, by: 2) {
            let deadline = Double(sessions[place + 1].string ?? "") ?? 0
            if Int64(deadline) > clock, let name = sessions[place].string { self.grants[name] = 0 }
        }
        for place in stride(from: 0, to: permits.count - 1, by: 2) where self.grants[permits[place]] != nil {
            self.grants[permits[place]] = permits[place + 1].split(separator: ":").first.flatMap { Int($0) } ?? 0
        }
        let sum = self.grants.values.reduce(0, +)
        if sum > self.limit, !self.hasDeclared { self.complaints.append("\(sum) granted of \(self.limit)") }
    }

    private mutating func checkInFlight() {
        var counted = 0
        for replica in self.replicas {
            for request in replica.inFlight where self.countsAll || self.grants[request.session] != nil {
                counted += 1
            }
        }
        if counted > self.limit { self.complaints.append("\(counted) in flight of \(self.limit)") }
    }
}
