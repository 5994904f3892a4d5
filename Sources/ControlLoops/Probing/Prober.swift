internal import ClusterState
internal import Decisions
internal import Gateway
public import Logging
public import Registry
public import ServiceLifecycle
internal import Synchronization

/// Asks every instance once per interval whether it is well, and tells the data plane.
///
/// The shell of `ProbeBook`: it waits until somebody is due, makes the calls, reports their ends. A service that hangs,
/// never stops answering or answers garbage costs its own place and nothing else: each call has a deadline and a bound
/// on the answer, and places are bounded by the schedule.
public final class Prober: ServiceLifecycle.Service {
    let book: Mutex<ProbeBook>
    let port: any ProbePort
    let time: LoopTime
    let logger: Logger
    private let timeout: Duration
    let interval: Duration
    let sharing: ProbeSharing?
    let replica: String
    private let probes = Mutex(ProbeCounts())
    private let bell = Bell()

    /// A probe is given half of the interval, but no more than this.
    public static let timeoutMax: Duration = .seconds(5)
    /// How late what nobody rang for may be noticed, such as a freed place where all were taken: each look wakes threads,
    /// which costs more than the look.
    private static let idleTick: Duration = .milliseconds(250)

    /// `replica` is shown as the one who checked; `seed` varies the intervals. Without `sharing` it is alone.
    public init(
        replica: String,
        interval: Duration,
        port: any ProbePort,
        sharing: ProbeSharing? = nil,
        time: LoopTime = .system,
        seed: UInt64,
        logger: Logger
    ) {
        self.book = Mutex(ProbeBook(replica: replica, interval: interval, seed: seed))
        self.replica = replica
        self.port = port
        self.time = time
        self.logger = logger
        self.interval = interval
        self.sharing = sharing
        self.timeout = min(interval / 2, Self.timeoutMax)
    }

    /// From now on the instances of this snapshot are probed; those that stay keep their verdicts.
    public func apply(_ snapshot: RegistrySnapshot) {
        let (now, wall) = (self.time.now(), self.time.wall())
        self.book.withLock { $0.follow(snapshot, now: now, wall: wall) }
        self.wake()
    }

    /// What is due may have changed: the loop looks now.
    func wake() { self.bell.ring() }

    /// Probes made so far.
    public var counts: ProbeCounts { self.probes.withLock { $0 } }

    /// What is known of the service's instances; empty for a service that is not in the snapshot.
    public func report(of id: ServiceID) -> [ProbeReport] {
        self.book.withLock { $0.report(of: id) }
    }

    /// Probes the service's instances now and answers what is known then. When too many ask at one time, answers
    /// what is known without a probe.
    public func probeNow(_ id: ServiceID) async -> [ProbeReport] {
        let errands = self.book.withLock { $0.startUnscheduled(id) }
        await withDiscardingTaskGroup { group in
            for errand in errands { group.addTask { await self.run(errand) } }
        }
        await self.readVerdicts()
        return self.report(of: id)
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                if let sharing = self.sharing { group.addTask { await self.follow(sharing) } }
                let longest = max(.milliseconds(1), min(Self.idleTick, self.interval / 4))
                while !Task.isCancelled {
                    let now = self.time.now()
                    let errands = self.book.withLock { $0.start(now: now) }
                    if !errands.isEmpty { group.addTask { await self.runDue(errands) } }
                    for errand in self.book.withLock({ $0.startOpinions() }) {
                        self.probes.withLock { $0.opinions += 1 }
                        group.addTask { await self.run(errand) }
                    }
                    let due = self.book.withLock { $0.nextDue() }
                    let pause = due.map { max(.milliseconds(1), $0 - self.time.now()) } ?? longest
                    await self.bell.wait(atMost: min(pause, longest), self.time)
                }
            }
        }
    }

    /// Those whose turn it is; the others wait for theirs. Without the cluster all of them.
    private func runDue(_ errands: [ProbeBook.Errand]) async {
        let waits = await self.claims(errands)
        await withDiscardingTaskGroup { group in
            for (errand, wait) in zip(errands, waits) {
                if wait > .zero {
                    let now = self.time.now()
                    self.book.withLock { $0.postpone(errand.key, by: wait, now: now) }
                    self.probes.withLock { $0.postponed += 1 }
                } else {
                    group.addTask { await self.run(errand) }
                }
            }
        }
    }

    private func claims(_ errands: [ProbeBook.Errand]) async -> [Duration] {
        let mine = errands.map { _ in Duration.zero }
        guard let sharing = self.sharing, self.book.withLock({ $0.isInTouch }) else { return mine }
        do throws(StateError) {
            let waits = try await sharing.claim(errands.map(\.key), interval: self.interval)
            return waits.count == errands.count ? waits : mine
        } catch {
            self.lost(error)
            return mine
        }
    }

    private func run(_ errand: ProbeBook.Errand) async {
        let result = await self.ask(errand)
        self.probes.withLock { counts in
            if result.finding == .well { counts.well += 1 } else { counts.failed += 1 }
        }
        let status = await self.tell(errand, result)
        let (now, wall) = (self.time.now(), self.time.wall())
        switch self.book.withLock({ $0.ended(errand, result, now: now, wall: wall) }) {
        case .forget: break
        case .confirm(let verdict): self.port.setVerdict(verdict, for: errand.key)
        case .announce(let change):
            self.port.setVerdict(change.to, for: errand.key)
            self.log(change, of: errand.key)
        }
        if status != nil, status != .same { await self.readVerdicts() }
    }

    private func ask(_ errand: ProbeBook.Errand) async -> ProbeResult {
        let started = self.time.now()
        var call = UpstreamCall(url: errand.key.url, path: errand.path, timeout: self.timeout)
        call.origin = errand.origin
        do throws(UpstreamFailure) {
            let answer = try await self.port.call(call)
            return ProbeResult(answer: answer.status, after: self.time.now() - started)
        } catch {
            return ProbeResult(error)
        }
    }

    private func log(_ change: VerdictChange, of key: InstanceKey) {
        var metadata: Logger.Metadata = [
            "mm.service": "\(key.service)", "mm.instance": "\(key.url)", "mm.verdict": "\(change.to.rawValue)",
            "mm.verdict_before": "\(change.from.rawValue)",
        ]
        if let reason = change.reason { metadata["mm.reason"] = "\(reason)" }
        switch change.to {
        case .unhealthy: self.logger.warning("probes call the instance unhealthy", metadata: metadata)
        case .healthy, .unknown: self.logger.info("probes call the instance healthy", metadata: metadata)
        }
    }
}
