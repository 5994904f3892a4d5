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
        var tickets: [RoutePool.Key: TicketSource] = [:]
        /// Of every version there ever was, up to `metersMax`: requests of one that left may still be under way.
        var meters: [VersionMeter.Key: VersionMeter] = [:]
        /// The pool that bounds an instance's ejection.
        var homes: [InstanceKey: RoutePool] = [:]
    }

    private static let metersMax = 10_000

    private let generation = Atomic<UInt64>(1)
    private let shared: Mutex<Shared>
    /// Instances whose breaker is not closed; also serialises trips.
    private let watched = Mutex<[Upstream]>([])
    private let strategy: BalanceStrategy
    private let policy: BreakerPolicy
    private let laneCount: Int
    private let news: any DataPlaneNews

    init(strategy: BalanceStrategy, policy: BreakerPolicy, laneCount: Int, news: any DataPlaneNews) {
        self.strategy = strategy
        self.policy = policy
        self.laneCount = laneCount
        self.news = news
        let empty = RoutingTable(
            .empty,
            strategy: strategy,
            RoutingTable.Parts(
                upstream: { Upstream(key: $0, policy: policy, laneCount: laneCount) },
                tickets: { _ in TicketSource() },
                meter: { VersionMeter(key: $0, laneCount: laneCount) }
            )
        )
        self.shared = Mutex(Shared(table: empty))
    }

    /// Rises with every change of the table or of a gate.
    @inline(__always)
    var currentGeneration: UInt64 { self.generation.load(ordering: .acquiring) }

    var table: RoutingTable { self.shared.withLock { $0.table } }

    func upstream(_ key: InstanceKey) -> Upstream? { self.shared.withLock { $0.upstreams[key] } }

    var meters: [VersionMeter] { self.shared.withLock { Array($0.meters.values) } }

    func upstreams(of service: ServiceID) -> [Upstream] {
        self.shared.withLock { $0.upstreams.values.filter { $0.key.service == service } }
    }

    // MARK: Changes

    /// Instances and cursors that stay are taken over; those that left are retired.
    func apply(_ snapshot: RegistrySnapshot) {
        self.shared.withLock { shared in
            var upstreams: [InstanceKey: Upstream] = [:]
            var tickets: [RoutePool.Key: TicketSource] = [:]
            var meters = shared.meters.count < Self.metersMax ? shared.meters : [:]
            let old = shared
            let parts = RoutingTable.Parts(
                upstream: { key in
                    if let known = upstreams[key] { return known }
                    let upstream =
                        old.upstreams[key] ?? Upstream(key: key, policy: self.policy, laneCount: self.laneCount)
                    upstreams[key] = upstream
                    return upstream
                },
                tickets: { key in
                    let source = old.tickets[key] ?? TicketSource()
                    tickets[key] = source
                    return source
                },
                meter: { key in
                    if let known = meters[key] { return known }
                    let meter = old.meters[key] ?? VersionMeter(key: key, laneCount: self.laneCount)
                    meters[key] = meter
                    return meter
                }
            )
            let table = RoutingTable(snapshot, strategy: self.strategy, parts)
            for (key, upstream) in shared.upstreams where upstreams[key] == nil { upstream.retire() }
            for (key, upstream) in upstreams {
                _ = upstream.gate.setDraining(snapshot[key.service]?.isDraining ?? true)
            }
            shared.homes = Self.homes(table)
            shared.upstreams = upstreams
            shared.tickets = tickets
            shared.meters = meters
            shared.table = table
        }
        self.raise()
    }

    func setVerdict(_ verdict: Verdict, for key: InstanceKey) {
        if self.upstream(key)?.gate.setVerdict(verdict) == true { self.raise() }
    }

    // MARK: Outcomes

    /// Good news: no trip can follow, so neither the rest of the pool nor the lock matters.
    func recordGood(_ answers: Int, generation: Int, of upstream: Upstream, now: Instant) {
        let report = OutcomeReport(generation: generation, successes: answers, failures: 0, trailingFailures: 0)
        let bound = EjectionBound(poolSize: 1, ejected: 0)
        _ = upstream.gate.withBreaker { $0.record(report, bound: bound, now: now) }
    }

    func record(_ report: OutcomeReport, of upstream: Upstream, now: Instant) {
        let tripped = self.watched.withLock { watched in
            let bound = self.bound(of: upstream)
            guard case .trip = upstream.gate.withBreaker({ $0.record(report, bound: bound, now: now) }) else {
                return false
            }
            watched.append(upstream)
            return true
        }
        if tripped { self.announce(upstream, now: now) }
    }

    func admitProbe(_ upstream: Upstream, until deadline: Instant, now: Instant) -> BreakerMachine.Probe? {
        upstream.gate.withBreaker { $0.admitProbe(until: deadline, now: now) }
    }

    func probeEnded(
        _ probe: BreakerMachine.Probe,
        _ outcome: BreakerMachine.ProbeOutcome,
        of upstream: Upstream,
        now: Instant
    ) {
        let action = upstream.gate.withBreaker { $0.probeEnded(probe, outcome, now: now) }
        if action != .nothing { self.announce(upstream, now: now) }
    }

    /// Time passed: breakers whose cooldown or whose probes ran out move on.
    func moveOn(now: Instant) {
        let moved = self.watched.withLock { watched in
            watched.removeAll { $0.gate.facts.breaker == .closed }
            return watched.filter { upstream in upstream.gate.withBreaker { $0.moveOn(now: now) } != .nothing }
        }
        for upstream in moved { self.announce(upstream, now: now) }
    }

    private func announce(_ upstream: Upstream, now: Instant) {
        self.raise()
        let breaker = upstream.gate.breaker
        self.news.breakerMoved(upstream.key, to: breaker.phase, trips: breaker.trips(now: now))
    }

    private func bound(of upstream: Upstream) -> EjectionBound {
        let home = self.shared.withLock { $0.homes[upstream.key] }
        guard let home else { return EjectionBound(poolSize: 1, ejected: 0) }
        let ejected = home.members.filter { $0.upstream !== upstream && $0.upstream.gate.facts.breaker != .closed }
        return EjectionBound(poolSize: home.members.count, ejected: ejected.count)
    }

    private static func homes(_ table: RoutingTable) -> [InstanceKey: RoutePool] {
        var homes: [InstanceKey: RoutePool] = [:]
        for pool in table.pools {
            for member in pool.members where homes[member.upstream.key] == nil { homes[member.upstream.key] = pool }
        }
        return homes
    }

    private func raise() {
        self.generation.wrappingAdd(1, ordering: .acquiringAndReleasing)
    }
}
