public import ClusterState
internal import Decisions
public import Logging
internal import Registry
public import ServiceLifecycle
internal import Synchronization

/// Keeps this replica's session alive and tells everybody here who else lives.
///
/// The shell of `SessionMachine`: it beats when told to, publishes what Redis answered, and ends the session when the
/// replica has left. Reading the session and the view is synchronous and cheap.
public final class Membership: ServiceLifecycle.Service {
    /// Under which name the replica holds things now, and whether Redis keeps it for sure.
    public struct Session: Hashable, Sendable {
        public let name: String
        public let isTrusted: Bool
    }

    private struct Inner {
        var machine: SessionMachine
        var view: MembershipView
        var isLeaving = false
        var isAnswered = false
        var failure: StateError?
        /// The other session under this replica's id that operators were told of.
        var namesake: String?
        var subscribers: [Int: AsyncStream<MembershipView>.Continuation] = [:]
        var subscribed = 0
    }

    public let replica: String
    private let boot: String
    private let state: ClusterState
    private let status: @Sendable () -> ReplicaReport
    private let time: LoopTime
    private let logger: Logger
    private let inner: Mutex<Inner>
    private let bell = Bell()

    /// `boot` differs at each start of the replica (letters and digits); `lease` is `REPLICA_LEASE`; `status` is asked
    /// at each beat for what to tell the others.
    public init(
        replica: String,
        boot: String,
        lease: Duration,
        state: ClusterState,
        status: @escaping @Sendable () -> ReplicaReport,
        time: LoopTime = .system,
        logger: Logger
    ) {
        self.replica = replica
        self.boot = boot
        self.state = state
        self.status = status
        self.time = time
        self.logger = logger
        let view = MembershipView.empty(own: replica, now: time.now())
        self.inner = Mutex(Inner(machine: SessionMachine(ttl: lease), view: view))
    }

    public var view: MembershipView { self.inner.withLock { $0.view } }

    /// Nil while no session is open, as far as this replica knows.
    public var session: Session? {
        let now = self.time.now()
        return self.inner.withLock { inner in
            inner.machine.openOrdinal.map {
                Session(name: self.name($0), isTrusted: inner.machine.isTrusted(now: now))
            }
        }
    }

    /// Which session of this start is open, and until when Redis keeps it for sure.
    var trust: (ordinal: Int, until: Instant)? {
        self.inner.withLock { inner in
            guard let ordinal = inner.machine.openOrdinal, let until = inner.machine.trustedUntil else { return nil }
            return (ordinal, until)
        }
    }

    /// Whether Redis answered the latest beat.
    var isAnswered: Bool { self.inner.withLock { $0.isAnswered } }

    /// Why Redis did not answer the latest beat.
    var failure: StateError? { self.inner.withLock { $0.failure } }

    /// The view now and each newer one; a slow reader gets the newest only.
    public func views() -> AsyncStream<MembershipView> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: MembershipView.self,
            bufferingPolicy: .bufferingNewest(1)
        )
        let key = self.inner.withLock { inner in
            inner.subscribed += 1
            inner.subscribers[inner.subscribed] = continuation
            continuation.yield(inner.view)
            return inner.subscribed
        }
        continuation.onTermination = { [weak self] _ in self?.unsubscribe(key) }
        return stream
    }

    /// Tells the others now what changed here, and hears what changed with them: a new epoch is served, the replica
    /// begins to leave, somebody was elected. Several calls in a row share one beat.
    public func announce() {
        let now = self.time.now()
        self.inner.withLock { $0.machine.hurry(now: now) }
        self.bell.ring()
    }

    /// From now on the others count this replica out; its session goes on until the service ends.
    public func beginLeaving() {
        self.inner.withLock { $0.isLeaving = true }
        self.announce()
    }

    /// Redis said elsewhere that the session is over.
    func heardLapsed(_ session: String) {
        let action = self.inner.withLock { inner in
            inner.machine.openOrdinal.map(self.name) == session
                ? inner.machine.heardLapsed(ordinal: inner.machine.ordinal) : .nothing
        }
        guard action == .lost else { return }
        self.logger.warning("redis no longer holds the session, joining again", metadata: ["mm.session": "\(session)"])
        self.bell.ring()
    }

    /// Beats until cancelled or gracefully shut down, then ends the session: shut it down after everything that holds
    /// something through it.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await self.beat()
                let wait = self.inner.withLock { $0.machine.beatAt }.map { $0 - self.time.now() } ?? .zero
                await self.bell.wait(atMost: max(.milliseconds(1), wait), self.time)
            }
        }
        await self.end()
    }

    private func beat() async {
        let now = self.time.now()
        let action = self.inner.withLock { $0.machine.beat(now: now, random: .random(in: 0..<1)) }
        switch action {
        case .nothing: break
        case .open(let ordinal): await self.ask(ordinal, leaseTime: nil, sentAt: now)
        case .extend(let ordinal, let leaseTime): await self.ask(ordinal, leaseTime: leaseTime, sentAt: now)
        }
    }

    /// `leaseTime` is `sentAt` by the lease clock; nil opens the session.
    private func ask(_ ordinal: Int, leaseTime: Int64?, sentAt: Instant) async {
        var status = self.status()
        let (ttl, isLeaving) = self.inner.withLock { ($0.machine.ttl, $0.isLeaving) }
        status.isLeaving = status.isLeaving || isLeaving
        do throws(StateError) {
            let name = self.name(ordinal)
            switch try await self.state.beat(name, for: ttl, sentAt: leaseTime, status) {
            case .opened(let sight), .extended(let sight):
                let answer = SessionMachine.Answer.kept(remaining: sight.remaining(of: name), clock: sight.leaseClock)
                self.answered(answer, sight, sentAt)
            case .lapsed: self.answered(.lapsed, nil, sentAt)
            }
        } catch {
            let now = self.time.now()
            self.inner.withLock { inner in
                inner.isAnswered = false
                inner.failure = error
                inner.machine.failed(now: now)
            }
            self.logger.debug("a beat failed", metadata: ["mm.error": "\(error)"])
        }
    }

    private func answered(_ answer: SessionMachine.Answer, _ sight: ClusterSight?, _ sentAt: Instant) {
        let now = self.time.now()
        let action = self.inner.withLock { inner in
            let action = inner.machine.answered(answer, sentAt: sentAt, now: now)
            inner.isAnswered = true
            inner.failure = nil
            guard let sight else { return action }
            inner.view = MembershipView(
                replicas: sight.replicas,
                leader: sight.leader,
                seenAt: sentAt,
                own: self.replica
            )
            for subscriber in inner.subscribers.values { subscriber.yield(inner.view) }
            return action
        }
        self.tell(of: sight?.namesake)
        switch action {
        case .nothing: break
        case .began(let ordinal): self.logger.info("joined", metadata: ["mm.session": "\(self.name(ordinal))"])
        case .lost: self.logger.warning("redis no longer holds the session, joining again")
        }
    }

    /// Two replicas with one id: each is shown in the other's place, and a switch waits for one of them only.
    private func tell(of namesake: String?) {
        guard let namesake else { return }
        let isNew = self.inner.withLock { inner in
            defer { inner.namesake = namesake }
            return inner.namesake != namesake
        }
        guard isNew else { return }
        let message: Logger.Message = "another replica bears the same REPLICA_ID: give each one its own, or none"
        self.logger.error(message, metadata: ["mm.session": "\(namesake)"])
    }

    private func end() async {
        let (action, subscribers) = self.inner.withLock { inner in
            defer { inner.subscribers = [:] }
            return (inner.machine.leave(), inner.subscribers)
        }
        // Not under the lock: a stream that ends unsubscribes at once.
        for subscriber in subscribers.values { subscriber.finish() }
        guard case .end(let ordinal) = action else { return }
        try? await LastWord.say { try await self.state.endSession(self.name(ordinal)) }
    }

    private func unsubscribe(_ key: Int) {
        self.inner.withLock { _ = $0.subscribers.removeValue(forKey: key) }
    }

    private func name(_ ordinal: Int) -> String { "\(self.replica).\(self.boot)-\(ordinal)" }
}
