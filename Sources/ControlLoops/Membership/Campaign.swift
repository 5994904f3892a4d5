public import ClusterState
internal import Decisions
public import Logging
public import Registry
public import ServiceLifecycle
internal import Synchronization

/// Strives for the cluster's leadership, keeps it while it can, and hands it over when the replica leaves.
///
/// The shell of `CampaignMachine`. A loop that only the leader runs asks `term` before each step and gives it to every
/// write: the answer is right for this replica's clock, and Redis refuses the write of a leader who was wrong.
public final class Campaign: ServiceLifecycle.Service, Leadership {
    private let machine: Mutex<CampaignMachine>
    private let state: ClusterState
    private let membership: Membership
    private let time: LoopTime
    private let logger: Logger
    private let bell = Bell()
    private let electedHandlers = Mutex<[@Sendable () -> Void]>([])

    /// How long at most the loop sleeps.
    private static let tickMax = Duration.seconds(1)

    /// `candidate` is `<replica>.<boot>`, both as `Membership` has them; `lease` is `LEADER_LEASE`.
    public init(
        candidate: String,
        lease: Duration,
        state: ClusterState,
        membership: Membership,
        signals: SignalListener,
        time: LoopTime = .system,
        logger: Logger
    ) {
        self.machine = Mutex(CampaignMachine(candidate: candidate, ttl: lease, now: time.now()))
        self.state = state
        self.membership = membership
        self.time = time
        self.logger = logger
        signals.onSignal { [weak self] in self?.hear($0) }
    }

    /// The term this replica leads under, to be given to every write of a leader; nil when it does not lead.
    public var term: Term? {
        let now = self.time.now()
        return self.machine.withLock { $0.term(now: now) }
    }

    public func onElected(_ handler: @escaping @Sendable () -> Void) {
        self.electedHandlers.withLock { $0.append(handler) }
    }

    public var isLeader: Bool { self.term != nil }

    /// The replica goes away: hands the leadership over, if it has it, and asks for it no more. Returns when Redis knows.
    public func leave() async {
        guard self.machine.withLock({ $0.leave() }) == .resign else { return }
        try? await LastWord.say { await self.resign() }
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.watchMembers() }
                await self.campaign()
            }
        }
        let action = self.machine.withLock { $0.leave() }
        if action == .resign { try? await LastWord.say { await self.resign() } }
    }

    private func campaign() async {
        while !Task.isCancelled {
            let now = self.time.now()
            switch self.machine.withLock({ $0.due(now: now) }) {
            case .nothing: break
            case .ask(let leaseTime): await self.ask(leaseTime: leaseTime, sentAt: now)
            case .deposed(let term): self.tellDeposed(term)
            }
            let due = self.machine.withLock { $0.dueAt } ?? now + Self.tickMax
            let wait = max(.milliseconds(1), min(Self.tickMax, due - self.time.now()))
            await self.bell.wait(atMost: wait, self.time)
        }
    }

    /// `leaseTime` is `sentAt` by the lease clock, if that is known.
    private func ask(leaseTime: Int64?, sentAt: Instant) async {
        let (candidate, ttl) = self.machine.withLock { ($0.candidate, $0.ttl) }
        do throws(StateError) {
            let reply = try await self.state.campaign(as: candidate, for: ttl, sentAt: leaseTime)
            let now = self.time.now()
            let clock = LeaseClockReading(milliseconds: reply.leaseClock, at: now)
            switch reply.status {
            case .taken, .renewed: await self.won(reply.leader, sentAt, clock, now)
            case .held: self.see(reply.leader, answeredWith: clock)
            case .late: self.machine.withLock { $0.late(clock: clock, now: now) }
            }
        } catch {
            let now = self.time.now()
            self.machine.withLock { $0.failed(now: now) }
            self.logger.debug("a campaign failed", metadata: ["mm.error": "\(error)"])
        }
    }

    private func won(_ lead: LeaderSight, _ sentAt: Instant, _ clock: LeaseClockReading, _ now: Instant) async {
        let action = self.machine.withLock {
            $0.won(lead.term, remaining: lead.remaining, sentAt: sentAt, clock: clock, now: now)
        }
        switch action {
        case .nothing: break
        case .elected(let term):
            self.logger.info("elected", metadata: ["mm.term": "\(term)"])
            for handler in self.electedHandlers.withLock({ $0 }) { handler() }
        case .resign: await self.resign()
        }
    }

    private func watchMembers() async {
        for await view in self.membership.views() { self.see(view.leader) }
    }

    /// `remaining` is counted from now, a little later than Redis did: a follower may wait longer, never shorter.
    /// `answeredWith` is what the lease clock showed, when this is the answer to a campaign.
    private func see(_ leader: LeaderSight, answeredWith clock: LeaseClockReading? = nil) {
        let now = self.time.now()
        let action = self.machine.withLock { machine in
            if let clock, let holder = leader.holder {
                machine.held(by: holder, leader.term, remaining: leader.remaining, clock: clock, now: now)
            } else {
                machine.observed(holder: leader.holder, leader.term, remaining: leader.remaining, now: now)
            }
        }
        if case .deposed(let term) = action { self.tellDeposed(term) }
        if clock == nil { self.bell.ring() }
    }

    private func hear(_ signal: ClusterSignal) {
        guard case .resigned(_, let term) = signal else { return }
        let now = self.time.now()
        self.machine.withLock { $0.heardResignation(of: term, now: now) }
        self.bell.ring()
    }

    private func resign() async {
        let candidate = self.machine.withLock { $0.candidate }
        do throws(StateError) {
            try await self.state.resign(as: candidate)
        } catch {
            self.logger.notice("the leadership could not be handed over", metadata: ["mm.error": "\(error)"])
        }
    }

    private func tellDeposed(_ term: Term) {
        self.logger.info("deposed", metadata: ["mm.term": "\(term)"])
    }
}
