public import ClusterState
public import Decisions
internal import Gateway
public import Logging
public import Registry
public import ServiceLifecycle
internal import Synchronization

/// Finds services by itself while this replica leads: names, catalogues and seeds, every interval and on hints.
///
/// On every replica it watches for hints and passes them on; only the leader sweeps, and every write carries its term.
/// The three kinds of sources are swept at once, so that a slow one delays no other; each has its bounds.
public final class DiscoveryLoop: ServiceLifecycle.Service {
    /// What to look at.
    public struct Sources: Sendable {
        public var interval: Duration
        public var seeds: [DiscoverySeed]
        public var catalogues: [CatalogueURL]

        public init(interval: Duration, seeds: [DiscoverySeed] = [], catalogues: [CatalogueURL] = []) {
            self.interval = interval
            self.seeds = seeds
            self.catalogues = catalogues
        }
    }

    private let sources: Sources
    private let store: SweepStore
    private let port: any DiscoveryPort
    private let names: NameSweep
    private let catalogues: CatalogueSweep
    private let seeds: SeedSweep
    private let term: @Sendable () -> Term?
    private let time: LoopTime
    private let logger: Logger
    private let clock: Mutex<SweepClock>
    private let watch = Mutex(HintWatch())
    private let kept = Mutex(SweepFigures())
    private let lastSummary = Mutex("")
    private let bell = Bell()

    private static let tick: Duration = .seconds(1)

    /// The `term` is what this replica leads under; nil while it does not.
    public init(
        _ sources: Sources,
        store: SweepStore,
        port: any DiscoveryPort,
        term: @escaping @Sendable () -> Term?,
        time: LoopTime = .system,
        logger: Logger
    ) {
        self.sources = sources
        self.store = store
        self.port = port
        self.names = NameSweep(store: store, port: port)
        self.catalogues = CatalogueSweep(sources.catalogues, store: store, port: port)
        self.seeds = SeedSweep(sources.seeds, store: store, look: SeedLook(port: port, time: time))
        self.term = term
        self.time = time
        self.logger = logger
        self.clock = Mutex(SweepClock(interval: sources.interval))
    }

    public var figures: SweepFigures { self.kept.withLock { $0 } }

    /// Something may have changed: the leader looks soon.
    public func hint() {
        self.clock.withLock { $0.hint() }
        self.bell.ring()
    }

    /// There is a new snapshot, with perhaps a new name in it.
    public func look() { self.bell.ring() }

    public func hear(_ signal: ClusterSignal) {
        if case .hint = signal { self.hint() }
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await self.turn()
                let dueAt = self.clock.withLock { $0.dueAt }
                let pause = dueAt.map { max(.milliseconds(1), $0 - self.time.now()) } ?? Self.tick
                await self.bell.wait(atMost: min(pause, Self.tick), self.time)
            }
        }
    }

    /// One turn: passes hints on, and sweeps when this replica leads and a sweep is due.
    public func turn() async {
        let term = self.term()
        await self.passOnHints(term)
        guard let term else { return self.clock.withLock { $0.stop() } }
        let now = self.time.now()
        let isDue = self.clock.withLock { clock in
            guard clock.isDue(now: now) else { return false }
            clock.begin(now: now)
            return true
        }
        if isDue { await self.sweep(term) }
    }

    private func passOnHints(_ term: Term?) async {
        let named = self.store.snapshot().services.filter { $0.definition.discovery == .dns }
        let looks = named.map { service in
            let bad = self.port.states(of: service.id).filter { $0.verdict == .unhealthy || $0.breaker != .closed }
            let isResolved = service.resolution?.url == service.definition.url
            return HintWatch.Look(id: service.id, isResolved: isResolved, bad: Set(bad.map(\.key)))
        }
        let news = self.watch.withLock { $0.look(looks) }
        guard let first = news.first else { return }
        if term != nil { return self.clock.withLock { $0.hint() } }
        try? await self.store.state.hintDiscovery(first.text, reason: "unresolved or unhealthy")
    }

    // MARK: Sweeps

    private func sweep(_ term: Term) async {
        async let names = self.report(.names) { try await self.names.run(term) }
        async let catalogues = self.report(.catalogues) { try await self.catalogues.run(term) }
        async let seeds = self.report(.seeds) { try await self.seeds.run(term) }
        let reports = await [names, catalogues, seeds].compactMap(\.self)
        let wall = self.time.wall()
        self.kept.withLock { $0.add(reports, at: wall) }
        let used = reports.filter {
            $0.found > 0 || $0.changed > 0 || $0.errorCount > 0 || self.isConfigured($0.source)
        }
        guard !used.isEmpty else { return }
        let summary = used.map(\.summary).joined(separator: ", ")
        self.log(summary, used)
        let lines = used.map {
            SweepRecord.Line(source: $0.source.rawValue, found: $0.found, errors: $0.errorCount)
        }
        _ = try? await self.store.state.leading(under: term).storeSweep(SweepRecord(lines: lines, summary: summary))
    }

    /// Nil when the term is over.
    private func report(
        _ source: SourceReport.Source,
        _ run: () async throws -> SourceReport
    ) async -> SourceReport? {
        do {
            return try await run()
        } catch {
            if (error as? StateError)?.code == .deposed { return nil }
            var report = SourceReport(source)
            report.fail("store", "\(error)")
            return report
        }
    }

    private func isConfigured(_ source: SourceReport.Source) -> Bool {
        switch source {
        case .names: false
        case .catalogues: !self.sources.catalogues.isEmpty
        case .seeds: !self.sources.seeds.isEmpty
        }
    }

    /// Told once, not at every sweep.
    private func log(_ summary: String, _ reports: [SourceReport]) {
        let isNews = self.lastSummary.withLock { last in
            defer { last = summary }
            return last != summary
        }
        let changed = reports.reduce(0) { $0 + $1.changed }
        guard isNews || changed > 0 else { return }
        let level: Logger.Level = reports.contains { $0.errorCount > 0 } ? .warning : .info
        self.logger.log(
            level: level,
            "discovery swept",
            metadata: ["mm.swept": "\(summary)", "mm.changed": "\(changed)"]
        )
    }
}

extension SweepFigures {
    fileprivate mutating func add(_ reports: [SourceReport], at wall: Timestamp) {
        self.sweeps += 1
        self.lastAt = wall
        for report in reports {
            self.found[report.source] = report.found
            self.errors[report.source, default: 0] += report.errorCount
        }
    }
}
