internal import ClusterState
internal import Decisions
internal import Registry

/// Everything the prober knows: the schedule, and a page for each instance. Pure; the prober keeps it behind a lock.
struct ProbeBook: Sendable {
    /// One probe to be made.
    struct Errand: Sendable, Hashable {
        var key: InstanceKey
        /// What the service is called.
        var origin: ServiceURL
        var path: String
        /// Planned by the schedule, which hears of its end; else asked for by somebody.
        var isScheduled: Bool
    }

    private struct Page: Sendable {
        var origin: ServiceURL
        var path: String
        var machine: ProbeMachine
        var shared = SharedVerdict()
        var lastCheck: Timestamp?
        var latency: Duration?
        var error: String?
    }

    private let replica: String
    private let interval: Duration
    /// Nil: this replica has no others, all is its duty.
    private var duty: ProbeDuty?
    /// Nil while the cluster is in touch; from the start until it first is.
    private var lostAt: Instant? = Instant(nanoseconds: 0)
    private var opinions: [InstanceKey] = []
    /// Verdicts on instances that this replica's snapshot does not have yet; the newest `earlyMax`.
    private var early: [InstanceKey: VerdictSight] = [:]
    static let earlyMax = 1024
    private var schedule: ProbeSchedule
    private var followed = RegistrySnapshot.empty
    private var pages: [InstanceKey: Page] = [:]
    private var instances: [ServiceID: [InstanceKey]] = [:]
    private var unscheduledInFlight = 0

    /// Probes that people may have under way at one time, beside the schedule's.
    static let unscheduledMax = 64

    init(replica: String, interval: Duration, seed: UInt64) {
        self.replica = replica
        self.interval = interval
        self.schedule = ProbeSchedule(interval: interval, seed: seed)
    }

    /// Instances that stay keep their page, also when their health path changes.
    mutating func follow(_ snapshot: RegistrySnapshot, now: Instant, wall: Timestamp) {
        let difference = SnapshotDifference(from: self.followed, to: snapshot)
        self.followed = snapshot
        var old: [InstanceKey: Page] = [:]
        for key in difference.before.flatMap(\.instances) { old[key] = self.pages.removeValue(forKey: key) }
        for service in difference.before { self.instances[service.id] = nil }
        for service in difference.after {
            self.instances[service.id] = service.instances
            for key in service.instances {
                let (origin, path) = (service.origin(of: key), service.definition.probePath)
                var page = old[key] ?? Page(origin: origin, path: path, machine: ProbeMachine(since: wall))
                (page.origin, page.path) = (origin, path)
                self.pages[key] = page
                if let sight = self.early.removeValue(forKey: key) { self.decide(sight, now: now) }
            }
        }
        let arriving = difference.after.flatMap(\.instances).filter { self.hasDuty($0, now: now) }
        let leaving = Set(difference.before.flatMap(\.instances)).subtracting(arriving)
        self.schedule.follow(leaving: Array(leaving), arriving: arriving, now: now)
    }

    private mutating func schedule(now: Instant) {
        self.schedule.follow(self.instances.values.joined().filter { self.hasDuty($0, now: now) }, now: now)
    }

    private func hasDuty(_ key: InstanceKey, now: Instant) -> Bool {
        guard let duty = self.duty, let page = self.pages[key] else { return true }
        return duty.isMine(key, without: page.shared.excluded(now: now))
    }

    mutating func start(now: Instant) -> [Errand] {
        self.schedule.start(now: now).compactMap { key in
            self.pages[key].map { Errand(key: key, origin: $0.origin, path: $0.path, isScheduled: true) }
        }
    }

    /// Probes of all instances of a service at once; none when too many are under way already. A service with very
    /// many instances gets its turn when nobody else's are.
    mutating func startUnscheduled(_ id: ServiceID) -> [Errand] {
        let keys = self.instances[id] ?? []
        let isFree = self.unscheduledInFlight == 0
        guard isFree || self.unscheduledInFlight + keys.count <= Self.unscheduledMax else { return [] }
        self.unscheduledInFlight += keys.count
        return keys.compactMap { key in
            self.pages[key].map { Errand(key: key, origin: $0.origin, path: $0.path, isScheduled: false) }
        }
    }

    // MARK: The cluster

    var isInTouch: Bool { self.lostAt == nil }

    /// Who takes duties now.
    mutating func follow(onDuty replicas: [String], now: Instant) {
        guard self.duty?.replicas != replicas else { return }
        self.duty = ProbeDuty(replicas: replicas, own: self.replica)
        self.schedule(now: now)
    }

    /// Exclusions that have run out give a duty back.
    mutating func review(now: Instant) {
        if self.pages.values.contains(where: { $0.shared.hasExclusions }) { self.schedule(now: now) }
    }

    /// The turn was another replica's.
    mutating func postpone(_ key: InstanceKey, by wait: Duration, now: Instant) {
        self.schedule.postpone(key, by: wait, now: now)
    }

    /// The cluster cannot be asked; true when it could before.
    mutating func lost(now: Instant) -> Bool {
        guard self.lostAt == nil else { return false }
        self.lostAt = now
        return true
    }

    mutating func found() -> Bool {
        defer { self.lostAt = nil }
        return self.lostAt != nil
    }

    /// What a reading brought.
    mutating func take(_ news: VerdictNews, now: Instant) {
        if news.isAnew {
            for key in self.pages.keys { self.pages[key]?.shared.forgetOrder() }
            self.early = [:]
        }
        for sight in news.changed { self.decide(sight, now: now) }
    }

    private mutating func decide(_ sight: VerdictSight, now: Instant) {
        guard self.pages[sight.instance] != nil else { return self.keepEarly(sight) }
        self.pages[sight.instance]?.shared.decide(
            sight.verdict,
            version: sight.version,
            unreachableFrom: sight.unreachableFrom,
            now: now
        )
    }

    /// Of an instance that left for good nobody ever hears again: the oldest makes room.
    private mutating func keepEarly(_ sight: VerdictSight) {
        if let known = self.early[sight.instance], known.version > sight.version { return }
        if self.early[sight.instance] == nil, self.early.count >= Self.earlyMax,
            let oldest = self.early.min(by: { $0.value.version < $1.value.version })
        {
            self.early[oldest.key] = nil
        }
        self.early[sight.instance] = sight
    }

    /// What the data plane shall go by, of every instance.
    func verdicts(now: Instant) -> [(key: InstanceKey, verdict: Verdict)] {
        self.pages.map { ($0.key, self.verdict(of: $0.key, $0.value, now: now)) }
    }

    private func verdict(of key: InstanceKey, _ page: Page, now: Instant) -> Verdict {
        guard self.duty != nil else { return page.machine.verdict }
        let standing = SharedVerdict.Standing(
            replica: self.replica,
            own: page.lastCheck == nil ? nil : page.machine.verdict,
            hasDuty: self.lostAt != nil && self.hasDuty(key, now: now),
            lostAt: self.lostAt
        )
        return page.shared.effective(standing, interval: self.interval, now: now)
    }

    /// Another replica finds an instance down; this one looks too, if it is the one to.
    mutating func hearSuspicion(of instance: String, by replica: String, now: Instant) {
        guard let duty = self.duty, self.opinions.count < Self.unscheduledMax,
            let (key, page) = self.pages.first(where: { $0.key.description == instance }),
            duty.givesOpinion(on: key, suspecting: replica, without: page.shared.excluded(now: now))
        else { return }
        self.opinions.append(key)
    }

    mutating func startOpinions() -> [Errand] {
        defer { self.opinions = [] }
        self.unscheduledInFlight += self.opinions.count { self.pages[$0] != nil }
        return self.opinions.compactMap { key in
            self.pages[key].map { Errand(key: key, origin: $0.origin, path: $0.path, isScheduled: false) }
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
        page.error = result.error
        var action = ProbeMachine.ReportAction.nothing
        if let finding = result.finding {
            page.lastCheck = wall
            page.latency = result.latency
            action = page.machine.report(finding, reason: result.error, at: wall)
        }
        self.pages[errand.key] = page
        switch action {
        case .announce(let change) where self.duty == nil || !self.isInTouch: return .announce(change)
        case .nothing, .announce: return .confirm(self.verdict(of: errand.key, page, now: now))
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
