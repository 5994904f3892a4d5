public import ClusterState
internal import Decisions
public import Gateway
public import Logging
public import Registry
public import ServiceLifecycle
internal import Synchronization

/// Lets the data plane begin requests for as long as nothing can have happened without this replica; the shell of
/// `CatchUpMachine`.
public final class CatchUpLoop: ServiceLifecycle.Service {
    private let membership: Membership
    private let state: ClusterState
    private let holder: SnapshotHolder
    private let gate: CatchUpGate
    private let time: LoopTime
    private let logger: Logger
    private let machine = Mutex(CatchUpMachine())

    private static let tick = Duration.milliseconds(250)
    private static let pollInterval = Duration.milliseconds(5)
    /// One try to catch up; the next beat begins another one.
    private static let patience = Duration.seconds(1)

    public init(
        membership: Membership,
        state: ClusterState,
        holder: SnapshotHolder,
        gate: CatchUpGate,
        time: LoopTime = .system,
        logger: Logger
    ) {
        self.membership = membership
        self.state = state
        self.holder = holder
        self.gate = gate
        self.time = time
        self.logger = logger
    }

    /// Since when this replica serves although it may have missed something; nil: it has not.
    public var cutOffSince: Instant? { self.machine.withLock { $0.cutOffSince } }

    /// Returns when this replica has caught up in a session, or the time is up: a replica that just started missed what
    /// happened between its first snapshot and its session.
    public func waitUntilCaughtUp(within limit: Duration) async {
        let end = self.time.now() + limit
        while self.machine.withLock({ $0.serveUntil == nil }), self.time.now() < end {
            guard (try? await self.time.sleep(Self.pollInterval)) != nil else { return }
        }
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask { for await _ in self.membership.views() { await self.take() } }
                group.addTask {
                    while !Task.isCancelled {
                        self.look()
                        try? await self.time.sleep(Self.tick)
                    }
                }
            }
        }
        self.gate.serve(until: nil)
    }

    /// The store has answered a beat.
    private func take() async {
        guard let trust = self.membership.trust else { return }
        let action = self.tell { $0.trusted(ordinal: trust.ordinal, until: trust.until) }
        guard case .catchUp(let ordinal) = action, await self.catchUp() else { return }
        guard let trust = self.membership.trust, trust.ordinal == ordinal else { return }
        _ = self.tell { machine in
            machine.caughtUp(ordinal: ordinal)
            return machine.trusted(ordinal: ordinal, until: trust.until)
        }
    }

    /// Waits until this replica uses everything that the store had when asked.
    private func catchUp() async -> Bool {
        do throws(StateError) {
            let epoch = try await self.state.epoch()
            return await self.holder.waitForEpoch(epoch, within: Self.patience)
        } catch {
            self.logger.debug("cannot catch up", metadata: ["mm.error": "\(error)"])
            return false
        }
    }

    private func look() {
        let (now, isAnswered) = (self.time.now(), self.membership.isAnswered)
        let wasServing = self.cutOffSince == nil
        self.tell { $0.tick(now: now, isAnswered: isAnswered) }
        guard wasServing, self.cutOffSince != nil else { return }
        let reason = self.membership.failure.map { "\($0)" } ?? "catching up took too long"
        self.logger.warning("cut off: serving goes on with what is known", metadata: ["mm.error": "\(reason)"])
    }

    /// The machine's word is the gate's at once, and in order.
    @discardableResult
    private func tell<Result: Sendable>(_ fact: (inout CatchUpMachine) -> Result) -> Result {
        let now = self.time.now()
        return self.machine.withLock { machine in
            // A request waited for too long: the data plane has opened the gate by itself.
            if machine.serveUntil != nil, self.gate.isOpen { machine.goOn(now: now) }
            let result = fact(&machine)
            self.gate.serve(until: machine.serveUntil)
            return result
        }
    }
}
