internal import ClusterState
internal import Decisions
internal import Registry

/// Every `PermitHolder` of this replica, and what they have to say to Redis together.
///
/// Invariant: a holder exists for every instance in demand, and for one that is gone until Redis was told to forget it.
struct PermitBook {
    private var holders: [InstanceKey: PermitHolder] = [:]
    private var gone: Set<InstanceKey> = []
    private var session: String?
    private let onLoss: LimitOnLoss

    init(onLoss: LimitOnLoss) {
        self.onLoss = onLoss
    }

    /// Nothing that was held under another session is held under this one, or under none.
    mutating func follow(session: String?) {
        guard session != self.session else { return }
        self.lost()
        self.session = session
    }

    /// The session is over.
    mutating func lost() {
        self.session = nil
        self.gone = []
        for key in self.holders.keys { self.holders[key]?.lost() }
    }

    /// Begins with instances that are new, and marks those that are gone.
    mutating func keep(_ demands: [PermitDemand]) {
        let present = Set(demands.map(\.key))
        for key in present where self.holders[key] == nil { self.holders[key] = PermitHolder(onLoss: self.onLoss) }
        for key in self.holders.keys where !present.contains(key) {
            self.holders[key] = nil
            self.gone.insert(key)
        }
        self.gone.subtract(present)
    }

    /// Instances of which Redis may forget what this session held.
    mutating func takeGone() -> Set<InstanceKey> {
        defer { self.gone = [] }
        return self.gone
    }

    /// Redis could not be told of it: next time again, unless the instance is back or the session over.
    mutating func putBack(gone key: InstanceKey, session: String) {
        if session == self.session, self.holders[key] == nil { self.gone.insert(key) }
    }

    mutating func settle(_ demand: PermitDemand, isTrusted: Bool, now: Instant) -> PermitHolder.SettleAction {
        self.holders[demand.key]?.settle(demand.rule, isTrusted: isTrusted, now: now) ?? .nothing
    }

    mutating func ask(_ demand: PermitDemand, now: Instant) -> PermitAsk? {
        guard let ask = self.holders[demand.key]?.ask(demand.rule, now: now) else { return nil }
        return PermitAsk(
            instance: demand.key,
            number: ask.number,
            held: ask.held,
            inFlight: ask.inFlight,
            want: ask.want,
            stock: ask.stock,
            limit: ask.limit,
            limitEpoch: ask.limitEpoch
        )
    }

    mutating func answered(_ answer: PermitAnswer, to ask: PermitAsk, now: Instant) {
        switch answer {
        case .stale(let number):
            self.holders[ask.instance]?.stale(number, number: ask.number)
        case .held(let holding):
            let rule = PermitHolder.Answer(
                granted: holding.granted,
                entitled: holding.entitled,
                share: holding.share,
                waiters: holding.waiters,
                over: holding.over,
                isFrozen: holding.isFrozen
            )
            self.holders[ask.instance]?.answered(rule, number: ask.number, now: now)
        }
    }

    mutating func failed(_ ask: PermitAsk, now: Instant) {
        self.holders[ask.instance]?.failed(number: ask.number, now: now)
    }

    /// What another session said; our own echo says nothing. True when it concerns an instance of ours.
    mutating func heard(_ signal: ClusterSignal, now: Instant) -> Bool {
        switch signal {
        case .wantsPermits(let instance, let session) where session != self.session:
            guard let key = self.key(instance) else { return false }
            self.holders[key]?.heardWant(now: now)
            return true
        case .freedPermits(let instance, let session) where session != self.session:
            guard let key = self.key(instance) else { return false }
            self.holders[key]?.heardFree()
            return true
        case .left:
            for key in self.holders.keys { self.holders[key]?.heardFree() }
            return true
        default:
            return false
        }
    }

    /// Whether another replica wants permits of any instance.
    var isWanted: Bool { self.holders.values.contains { $0.isWanted } }

    /// For `/cluster` and metrics: permits held by instance.
    var held: [InstanceKey: Int] { self.holders.mapValues(\.held) }

    private func key(_ description: String) -> InstanceKey? {
        self.holders.keys.first { $0.description == description }
    }
}
