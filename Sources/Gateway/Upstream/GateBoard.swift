internal import Decisions
internal import Registry
internal import Synchronization

/// What all event loops share: the routing table, the instances, and a number that says that either has changed.
///
/// A loop compares the number once per request, which is all that a request pays. Trips are decided under one lock,
/// so that two loops cannot each take out "the last member that may go".
final class GateBoard: Sendable {
    private struct Shared {
        var table: RoutingTable
        var upstreams: [InstanceKey: Upstream] = [:]
        /// Of services that no pool has, such as data services: probes judge them, and the manager's own calls heed that.
        var unrouted: [InstanceKey: Upstream] = [:]
        var tickets: [RoutePool.Key: TicketSource] = [:]
        /// Of every version there ever was, up to `metersMax`: requests of one that left may still be under way.
        var meters: [VersionMeter.Key: VersionMeter] = [:]
        /// The pool that bounds an instance's ejection.
        var homes: [InstanceKey: RoutePool] = [:]
        /// No longer in the registry, with requests that have not ended: they count if the instance comes back.
        var leaving: [InstanceKey: Upstream] = [:]
        var limits: [InstanceKey: InstanceLimit] = [:]
        var tokens = ServiceTokens()

        func find(_ key: InstanceKey) -> Upstream? { self.upstreams[key] ?? self.unrouted[key] }

        mutating func adopt(_ next: Next) {
            self.table = next.table
            for pool in next.step.removed {
                self.tickets[pool.key] = nil
                for member in pool.members {
                    self.upstreams[member.upstream.key] = nil
                    self.homes[member.upstream.key] = nil
                }
            }
            for key in next.step.before.flatMap(\.instances) { self.unrouted[key] = nil }
            self.unrouted.merge(next.unrouted) { $1 }
            for type in next.step.types { self.tickets[.split(of: type)] = nil }
            self.upstreams.merge(next.upstreams) { $1 }
            self.tickets.merge(next.tickets) { $1 }
            if self.meters.count + next.meters.count > GateBoard.metersMax { self.meters = next.table.meters }
            self.meters.merge(next.meters) { $1 }
            for pool in next.step.added {
                for member in pool.members where self.homes[member.upstream.key] == nil {
                    self.homes[member.upstream.key] = pool
                }
            }
        }
    }

    fileprivate static let metersMax = 10_000

    private let generation = Atomic<UInt64>(1)
    private let shared: Mutex<Shared>
    /// What goes between the breakers and the cluster.
    struct Sharing {
        var isInTouch = false
        var ring: @Sendable () -> Void = {}
        /// Instances with outcomes to tell, each once until they are taken.
        var untold: [Upstream] = []
        var moves: [BreakerPhase: Int64] = [:]
        var probes: Int64 = 0
    }

    let sharing = Mutex(Sharing())
    /// Instances whose breaker is not closed or has something to say to the cluster; also serialises trips.
    let watched = Mutex<[Upstream]>([])
    private let strategy: BalanceStrategy
    private let policy: BreakerPolicy
    private let laneCount: Int
    let news: any DataPlaneNews
    private let desk: TicketDesk
    /// Limits hold over all replicas: nothing may be in flight until it is granted.
    private let sharesLimits: Bool

    init(
        strategy: BalanceStrategy,
        policy: BreakerPolicy,
        laneCount: Int,
        news: any DataPlaneNews,
        desk: TicketDesk,
        sharesLimits: Bool
    ) {
        self.desk = desk
        self.sharesLimits = sharesLimits
        self.strategy = strategy
        self.policy = policy
        self.laneCount = laneCount
        self.news = news
        var step = RoutingTable.Step()
        let empty = RoutingTable(
            .empty,
            strategy: strategy,
            step: &step,
            RoutingTable.Parts(
                upstream: { Upstream(key: $0, origin: $1, policy: policy, laneCount: laneCount) },
                tickets: { TicketSource(name: $0.name, desk: desk) },
                meter: { VersionMeter(key: $0, laneCount: laneCount) }
            )
        )
        self.shared = Mutex(Shared(table: empty))
    }

    /// Rises with every change of the table or of a gate.
    @inline(__always)
    var currentGeneration: UInt64 { self.generation.load(ordering: .acquiring) }

    var table: RoutingTable { self.shared.withLock { $0.table } }

    func upstream(_ key: InstanceKey) -> Upstream? { self.shared.withLock { $0.find(key) } }

    var meters: [VersionMeter] { self.shared.withLock { Array($0.meters.values) } }

    func withUpstreams<Result>(_ body: ([Upstream]) -> Result) -> Result {
        self.shared.withLock { body(Array($0.upstreams.values)) }
    }

    /// Whether `moveOn` has anything to do.
    var isWatching: Bool { self.watched.withLock { !$0.isEmpty } }

    func watchedUpstreams() -> [Upstream] { self.watched.withLock { $0 } }

    func watch(_ upstream: Upstream) {
        self.watched.withLock { watched in
            if !watched.contains(where: { $0 === upstream }) { watched.append(upstream) }
        }
    }

    func home(of upstream: Upstream) -> RoutePool? { self.shared.withLock { $0.homes[upstream.key] } }

    func upstreams(of service: ServiceID) -> [Upstream] {
        self.shared.withLock { shared in
            (shared.table.snapshot[service]?.instances ?? []).compactMap { shared.find($0) }
        }
    }

    var drainingInFlight: [ServiceID: Int] {
        self.shared.withLock { shared in
            var counts: [ServiceID: Int] = [:]
            for upstream in shared.upstreams.values where upstream.gate.facts.isDraining && upstream.inFlight > 0 {
                counts[upstream.key.service, default: 0] += upstream.inFlight
            }
            return counts
        }
    }

    // MARK: Changes

    /// Instances and cursors that stay are taken over; those that left are retired. What belongs to model types of which
    /// nothing changed is not looked at.
    func apply(_ snapshot: RegistrySnapshot) {
        self.shared.withLock { self.apply(snapshot, renewing: [], &$0) }
        self.raise()
    }

    /// From now on these are shown to services; requests under way show what they showed.
    func setTokens(_ tokens: ServiceTokens) {
        self.shared.withLock { shared in
            let (old, snapshot) = (shared.tokens, shared.table.snapshot)
            shared.tokens = tokens
            let services = snapshot.services.filter { service in
                service.instances.contains { key in
                    let origin = service.origin(of: key)
                    return tokens.token(for: origin) != old.token(for: origin)
                }
            }
            self.apply(snapshot, renewing: Set(services.map(\.definition.modelType)), &shared)
        }
        self.raise()
    }

    func token(for url: ServiceURL) -> String? { self.shared.withLock { $0.tokens.token(for: url) } }

    private func apply(_ snapshot: RegistrySnapshot, renewing types: Set<ModelType>, _ shared: inout Shared) {
        let next = self.next(snapshot, renewing: types, shared)
        self.retire(next, &shared)
        self.limit(next.upstreams, snapshot, &shared)
        for (key, upstream) in next.upstreams.merging(next.unrouted, uniquingKeysWith: { one, _ in one }) {
            _ = upstream.gate.setDraining(snapshot[key.service]?.isDraining ?? true)
        }
        shared.adopt(next)
        // A pool that is new wants its first ticket before its first request.
        for pool in next.step.added where pool.members.count > 1 { pool.tickets.setMembers(pool.turnsAtFirst) }
    }

    /// A table, and what of the model types that changed stands behind it.
    private struct Next {
        var table: RoutingTable
        var step: RoutingTable.Step
        var upstreams: [InstanceKey: Upstream]
        var unrouted: [InstanceKey: Upstream]
        var tickets: [RoutePool.Key: TicketSource]
        var meters: [VersionMeter.Key: VersionMeter]
    }

    private func next(_ snapshot: RegistrySnapshot, renewing types: Set<ModelType>, _ old: Shared) -> Next {
        var upstreams: [InstanceKey: Upstream] = [:]
        var tickets: [RoutePool.Key: TicketSource] = [:]
        var meters: [VersionMeter.Key: VersionMeter] = [:]
        let parts = RoutingTable.Parts(
            upstream: { key, origin in
                if let known = upstreams[key] { return known }
                let upstream = self.keptUpstream(key, origin, old)
                upstreams[key] = upstream
                return upstream
            },
            tickets: { key in
                let source = old.tickets[key] ?? TicketSource(name: key.name, desk: self.desk)
                tickets[key] = source
                return source
            },
            meter: { key in
                let meter = meters[key] ?? old.meters[key] ?? VersionMeter(key: key, laneCount: self.laneCount)
                meters[key] = meter
                return meter
            },
            token: { old.tokens.token(for: $0) }
        )
        var step = RoutingTable.Step(types: types)
        let table = RoutingTable(snapshot, strategy: self.strategy, after: old.table, step: &step, parts)
        var unrouted: [InstanceKey: Upstream] = [:]
        for service in step.after {
            for key in service.instances where upstreams[key] == nil {
                unrouted[key] = self.keptUpstream(key, service.origin(of: key), old)
            }
        }
        return Next(
            table: table,
            step: step,
            upstreams: upstreams,
            unrouted: unrouted,
            tickets: tickets,
            meters: meters
        )
    }

    /// The one that was there, or a new one.
    private func keptUpstream(_ key: InstanceKey, _ origin: ServiceURL, _ old: Shared) -> Upstream {
        if let known = old.find(key), known.origin == origin {
            known.setRetired(false)
            return known
        }
        let leaving = old.leaving[key].flatMap { $0.origin == origin ? $0 : nil }
        return self.newUpstream(key, origin, returning: leaving)
    }

    private func newUpstream(_ key: InstanceKey, _ origin: ServiceURL, returning old: Upstream?) -> Upstream {
        let upstream = old ?? Upstream(key: key, origin: origin, policy: self.policy, laneCount: self.laneCount)
        let isInTouch = self.sharing.withLock { $0.isInTouch }
        upstream.gate.withBreaker { $0.setInTouch(isInTouch) }
        return upstream
    }

    /// Instances that left are kept while requests are there.
    private func retire(_ next: Next, _ shared: inout Shared) {
        for pool in next.step.removed {
            for upstream in pool.members.map(\.upstream) where next.upstreams[upstream.key] !== upstream {
                let isGone = next.upstreams[upstream.key] == nil
                upstream.setRetired(true)
                if isGone, upstream.inFlight > 0 { shared.leaving[upstream.key] = upstream }
                if isGone, upstream.inFlight == 0 { shared.limits[upstream.key] = nil }
            }
        }
    }

    /// Instances that stay keep what they hold.
    private func limit(_ upstreams: [InstanceKey: Upstream], _ snapshot: RegistrySnapshot, _ shared: inout Shared) {
        for (key, upstream) in upstreams {
            if shared.leaving.removeValue(forKey: key) != nil { upstream.setRetired(false) }
            let service = snapshot[key.service]
            let limit = service?.definition.concurrentRequestsMax
            upstream.gauge.setLimited(limit != nil, held: self.sharesLimits ? nil : limit)
            shared.limits[key] = limit.map { InstanceLimit(requests: $0, epoch: service?.epoch ?? .zero) }
        }
    }

    /// Also one that left and has requests.
    func limitedUpstream(_ key: InstanceKey) -> Upstream? {
        self.shared.withLock { $0.upstreams[key] ?? $0.leaving[key] }
    }

    /// Every instance with a limit; and those that left, until their last request there has ended.
    func limited() -> [(upstream: Upstream, limit: InstanceLimit)] {
        self.shared.withLock { shared in
            for (key, upstream) in shared.leaving where upstream.inFlight == 0 {
                shared.leaving[key] = nil
                shared.limits[key] = nil
            }
            return shared.limits.compactMap { key, limit in
                (shared.upstreams[key] ?? shared.leaving[key]).map { ($0, limit) }
            }
        }
    }

    func setVerdict(_ verdict: Verdict, for key: InstanceKey) {
        if self.upstream(key)?.gate.setVerdict(verdict) == true { self.raise() }
    }

    /// The loops look again.
    func raise() {
        self.generation.wrappingAdd(1, ordering: .acquiringAndReleasing)
    }
}

/// How many requests an instance takes at once, from all replicas together.
struct InstanceLimit: Hashable, Sendable {
    var requests: Int
    /// Of the change that set it: of two limits the newer one counts.
    var epoch: Epoch
}
