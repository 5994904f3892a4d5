public import ClusterState
public import Decisions
public import Logging
public import Registry
public import ServiceLifecycle
internal import Synchronization

/// Keeps permits of instances with a limit in stock, so that requests are admitted without asking Redis.
///
/// The shell of `PermitHolder`: each turn reads the demand, lowers what must be lowered, asks Redis for all instances in
/// one call, and raises by the answer. It turns when woken, when a signal tells that others want or give back permits,
/// and a few times a second. A turn awaits its one call, so no instance ever has two under way.
public final class PermitReserver: ServiceLifecycle.Service {
    private let book: Mutex<PermitBook>
    private let port: any PermitPort
    private let state: ClusterState
    private let membership: Membership
    private let time: LoopTime
    private let logger: Logger
    private let bell = Bell()

    /// How late a need may be noticed that nobody rang for.
    private static let tick = PermitHolder.retryInterval
    /// Between two turns at least: where permits are short somebody rings with every request that ends.
    private static let pauseAfterTurn = Duration.milliseconds(1)

    public init(
        onLoss: LimitOnLoss,
        port: any PermitPort,
        state: ClusterState,
        membership: Membership,
        signals: SignalListener,
        time: LoopTime = .system,
        logger: Logger
    ) {
        self.book = Mutex(PermitBook(onLoss: onLoss))
        self.port = port
        self.state = state
        self.membership = membership
        self.time = time
        self.logger = logger
        signals.onSignal { [weak self] in self?.hear($0) }
    }

    /// Permits are lacking, or could be given back. Called on event loops: costs one atomic exchange.
    public func wake() {
        self.bell.ring()
    }

    /// Permits held, by instance.
    public var held: [InstanceKey: Int] { self.book.withLock { $0.held } }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await self.turn()
                try? await self.time.sleep(Self.pauseAfterTurn)
                await self.bell.wait(atMost: Self.tick, self.time)
            }
        }
    }

    /// One turn: what is held follows what is needed, as far as one call to Redis brings it.
    ///
    /// That others want permits is told before the needs are read: whoever ends a request after that rings.
    func turn() async {
        defer { self.tellWanted() }
        let session = self.membership.session
        self.book.withLock { $0.follow(session: session?.name) }
        self.tellWanted()
        let demands = self.port.demand()
        let gone = self.book.withLock { book in
            book.keep(demands)
            return session == nil ? [] : book.takeGone()
        }
        let isTrusted = session?.isTrusted ?? false
        let asks = demands.compactMap { self.prepare($0, isTrusted: isTrusted, asks: session != nil) }
        self.tellWanted()
        guard let session else { return }
        for start in stride(from: 0, to: asks.count, by: ClusterState.permitAsksMax) {
            let batch = Array(asks[start..<min(asks.count, start + ClusterState.permitAsksMax)])
            await self.lease(batch, session: session.name)
        }
        for key in gone { await self.forget(key, session: session.name) }
        guard !asks.isEmpty else { return }
        let asked = Set(asks.map(\.instance))
        // Twice: what was granted is offered to those who wait here, then the others' needs count.
        for _ in 0..<2 {
            for demand in self.port.demand() where asked.contains(demand.key) {
                _ = self.settle(demand, isTrusted: isTrusted)
            }
        }
    }

    private func tellWanted() {
        self.port.setWanted(self.book.withLock { $0.isWanted })
    }

    /// Lowers first; what Redis is told is what is in flight after that.
    private func prepare(_ demand: PermitDemand, isTrusted: Bool, asks: Bool) -> PermitAsk? {
        let demand = self.settle(demand, isTrusted: isTrusted)
        let now = self.time.now()
        return asks ? self.book.withLock { $0.ask(demand, now: now) } : nil
    }

    private func settle(_ demand: PermitDemand, isTrusted: Bool) -> PermitDemand {
        let now = self.time.now()
        var demand = demand
        switch self.book.withLock({ $0.settle(demand, isTrusted: isTrusted, now: now) }) {
        case .nothing: break
        case .admit(let held): demand.inFlight = self.port.grant(held, to: demand.key)
        }
        return demand
    }

    private func lease(_ asks: [PermitAsk], session: String) async {
        do throws(StateError) {
            let answers = try await self.state.leasePermits(asks, session: session)
            let now = self.time.now()
            guard let answers else {
                self.book.withLock { $0.lost() }
                self.membership.heardLapsed(session)
                return
            }
            self.book.withLock { book in
                for (ask, answer) in zip(asks, answers) { book.answered(answer, to: ask, now: now) }
            }
        } catch {
            let now = self.time.now()
            self.book.withLock { book in
                for ask in asks { book.failed(ask, now: now) }
            }
            self.logger.debug("permits could not be leased", metadata: ["mm.error": "\(error)"])
        }
    }

    private func forget(_ key: InstanceKey, session: String) async {
        do throws(StateError) {
            try await self.state.forgetPermits(of: key, session: session)
        } catch {
            self.book.withLock { $0.putBack(gone: key, session: session) }
        }
    }

    private func hear(_ signal: ClusterSignal) {
        let now = self.time.now()
        if self.book.withLock({ $0.heard(signal, now: now) }) { self.bell.ring() }
    }
}
