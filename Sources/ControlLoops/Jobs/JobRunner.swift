public import ClusterState
public import Decisions
public import Logging
public import Registry
public import ServiceLifecycle
internal import Synchronization

/// Takes jobs that nobody runs and runs them, a bounded number at a time.
///
/// Every replica has one; which gets a job is decided in Redis. It looks for jobs every second, and at once when one was
/// submitted here or a signal tells of one. A replica that leaves takes no more and gives back what it has: a training
/// that a trainer accepted goes on, watched by another replica.
public final class JobRunner: ServiceLifecycle.Service {
    private let desk: JobDesk
    private let membership: Membership
    private let running = Mutex<Set<JobID>>([])
    private let bell = Bell()

    public static let jobsAtOnceMax = 16
    private static let tick = Duration.seconds(1)

    /// `timeout` is `SERVICE_TIMEOUT`: how long a trainer may take to say how a job goes, and a data service to answer.
    public init(
        state: ClusterState,
        membership: Membership,
        signals: SignalListener,
        port: any TrainerPort,
        snapshot: @escaping @Sendable () -> RegistrySnapshot,
        timeout: Duration,
        policy: JobPolicy = JobPolicy(),
        time: LoopTime = .system,
        logger: Logger
    ) {
        self.membership = membership
        self.desk = JobDesk(
            state: state,
            port: port,
            snapshot: snapshot,
            timeout: timeout,
            policy: policy,
            time: time,
            logger: logger,
            isTrusted: { name in membership.session.map { $0.name == name && $0.isTrusted } ?? false }
        )
        signals.onSignal { [weak self] signal in
            switch signal {
            case .other("job_queued", _, _), .left: self?.wake()
            default: break
            }
        }
    }

    /// There is something to run.
    public func wake() {
        self.bell.ring()
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                while !Task.isCancelled {
                    for (claimed, session) in await self.claim() {
                        group.addTask { await self.carry(claimed, session) }
                    }
                    await self.bell.wait(atMost: Self.tick, self.desk.time)
                }
            }
        }
    }

    private func claim() async -> [(ClaimedJob, String)] {
        guard let session = self.membership.session, session.isTrusted, self.membership.view.place != nil else {
            return []
        }
        let running = self.running.withLock { Array($0) }
        guard running.count < Self.jobsAtOnceMax else { return [] }
        do throws(StateError) {
            let free = Self.jobsAtOnceMax - running.count
            let claimed = try await self.desk.state.claimJobs(free, session: session.name, running: running)
            guard let claimed else {
                self.membership.heardLapsed(session.name)
                return []
            }
            self.running.withLock { $0.formUnion(claimed.map(\.job.id)) }
            return claimed.map { ($0, session.name) }
        } catch {
            self.desk.logger.debug("jobs cannot be claimed now", metadata: ["mm.error": "\(error)"])
            return []
        }
    }

    private func carry(_ claimed: ClaimedJob, _ session: String) async {
        var run = JobRun(claimed, session: session, desk: self.desk)
        await run.run()
        self.running.withLock { _ = $0.remove(claimed.job.id) }
        self.wake()
    }
}
