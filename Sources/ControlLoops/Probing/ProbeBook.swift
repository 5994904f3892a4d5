internal import Decisions
internal import Registry

/// Everything the prober knows: the schedule, and a page for each instance. Pure; the prober keeps it behind a lock.
struct ProbeBook: Sendable {
    /// One probe to be made.
    struct Errand: Sendable, Hashable {
        var key: InstanceKey
        var path: String
        /// Planned by the schedule, which hears of its end; else asked for by somebody.
        var isScheduled: Bool
    }

    private struct Page: Sendable {
        var path: String
        var machine: ProbeMachine
        var lastCheck: Timestamp?
        var latency: Duration?
        var error: String?
    }

    private let replica: String
    private var schedule: ProbeSchedule
    private var pages: [InstanceKey: Page] = [:]
    private var instances: [ServiceID: [InstanceKey]] = [:]
    private var unscheduledInFlight = 0

    /// Probes that people may have under way at one time, beside the schedule's.
    static let unscheduledMax = 64

    init(replica: String, interval: Duration, seed: UInt64) {
        self.replica = replica
        self.schedule = ProbeSchedule(interval: interval, seed: seed)
    }

    /// Instances that stay keep their page, also when their health path changes.
    mutating func follow(_ snapshot: RegistrySnapshot, now: Instant, wall: Timestamp) {
        let old = self.pages
        self.pages = [:]
        self.instances = [:]
        for service in snapshot.services {
            let key = InstanceKey(service: service.id, url: service.definition.url)
            let path = service.definition.probePath
            var page = old[key] ?? Page(path: path, machine: ProbeMachine(since: wall))
            page.path = path
            self.pages[key] = page
            self.instances[service.id, default: []].append(key)
        }
        self.schedule.follow(snapshot.services.flatMap { self.instances[$0.id] ?? [] }, now: now)
    }

    mutating func start(now: Instant) -> [Errand] {
        self.schedule.start(now: now).compactMap { key in
            self.pages[key].map { Errand(key: key, path: $0.path, isScheduled: true) }
        }
    }

    /// Probes of all instances of a service at once; none when too many are under way already.
    mutating func startUnscheduled(_ id: ServiceID) -> [Errand] {
        let keys = self.instances[id] ?? []
        guard self.unscheduledInFlight + keys.count <= Self.unscheduledMax else { return [] }
        self.unscheduledInFlight += keys.count
        return keys.compactMap { key in
            self.pages[key].map { Errand(key: key, path: $0.path, isScheduled: false) }
        }
    }

    enum EndedAction: Sendable, Hashable {
        /// The instance left the registry meanwhile.
        case forget
        case confirm(Verdict)
        case announce(VerdictChange)
    }

    mutating func ended(_ errand: Errand, _ result: ProbeResult, now: Instant, wall: Timestamp) -> EndedAction {
        if errand.isScheduled {
            self.schedule.ended(errand.key, keptWaiting: result.keptWaiting, now: now)
        } else {
            self.unscheduledInFlight -= 1
        }
        guard var page = self.pages[errand.key] else { return .forget }
        page.lastCheck = wall
        page.latency = result.latency
        page.error = result.error
        let action = page.machine.report(result.finding, reason: result.error, at: wall)
        self.pages[errand.key] = page
        switch action {
        case .nothing: return .confirm(page.machine.verdict)
        case .announce(let change): return .announce(change)
        }
    }

    func report(of id: ServiceID) -> [ProbeReport] {
        (self.instances[id] ?? []).compactMap { key in
            guard let page = self.pages[key] else { return nil }
            var health = ProbeReport(key: key, machine: page.machine, checkedBy: self.replica)
            health.lastCheck = page.lastCheck
            health.latency = page.latency
            health.error = page.error
            return health
        }
    }

    mutating func nextDue() -> Instant? { self.schedule.nextDue() }
}
