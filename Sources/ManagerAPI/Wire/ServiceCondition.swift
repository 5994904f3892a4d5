internal import Gateway
internal import Registry

/// How a service is doing, summed over its instances; in words of the contract.
struct ServiceCondition: Hashable, Sendable {
    enum Status: String, Hashable, Sendable, CaseIterable { case healthy, unhealthy, unknown, draining }

    var status: Status
    /// The breaker of the instance that is best off: a service takes traffic as long as one of its instances does.
    var breaker: BreakerPhase
    var failures: Int
    var trips: Int
    var openedAt: Instant?
    var retryAt: Instant?
    var inFlight: Int

    init(_ service: Service, _ states: [InstanceState]) {
        self.status = Self.status(service, states)
        let best = states.min { Self.badness($0.breaker) < Self.badness($1.breaker) }
        self.breaker = best?.breaker ?? .closed
        self.failures = best?.failures ?? 0
        self.trips = best?.trips ?? 0
        self.openedAt = best?.openedAt
        self.retryAt = best?.retryAt
        self.inFlight = states.reduce(0) { $0 + $1.inFlight }
    }

    private static func status(_ service: Service, _ states: [InstanceState]) -> Status {
        if service.isDraining { return .draining }
        if states.contains(where: { $0.verdict == .healthy }) { return .healthy }
        return !states.isEmpty && states.allSatisfy { $0.verdict == .unhealthy } ? .unhealthy : .unknown
    }

    private static func badness(_ phase: BreakerPhase) -> Int {
        switch phase {
        case .closed: 0
        case .halfOpen: 1
        case .open: 2
        }
    }
}
