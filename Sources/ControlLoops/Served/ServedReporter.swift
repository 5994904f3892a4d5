public import ClusterState
internal import Decisions
public import Logging
public import Registry
public import ServiceLifecycle
internal import Synchronization

/// Tells the cluster once a second what this replica's callers got, in all and of each service, and reads what those of
/// all replicas got.
///
/// The shell of `ServedLedger`. Nothing is said when there is nothing new.
public final class ServedReporter: ServiceLifecycle.Service {
    private let ledger = Mutex(ServedLedger())
    private let port: any ServedPort
    private let membership: Membership
    private let state: ClusterState
    private let time: LoopTime
    private let logger: Logger

    private static let tick = Duration.seconds(1)
    /// A report of this replica's that is under way is waited for so often before the sums are read.
    private static let readsMax = 3
    private static let pause = Duration.milliseconds(10)

    public init(
        port: any ServedPort,
        membership: Membership,
        state: ClusterState,
        time: LoopTime = .system,
        logger: Logger
    ) {
        self.port = port
        self.membership = membership
        self.state = state
        self.time = time
        self.logger = logger
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await self.turn()
                try? await self.time.sleep(Self.tick)
            }
        }
        try? await LastWord.say { await self.turn() }
    }

    /// What callers of all replicas got, of this one up to now, of the others a second ago.
    public func sum(of services: [ServiceID]) async throws(StateError) -> ServedTraffic {
        var reads = 0
        while true {
            reads += 1
            await self.take()
            let before = self.ledger.withLock { $0.untold }
            var sum = try await self.state.served(of: services)
            let after = self.ledger.withLock { $0.untold?.after }
            if let before, before.after == after {
                sum += before.1
                return sum
            }
            guard reads < Self.readsMax else { return sum }
            try? await self.time.sleep(Self.pause)
        }
    }

    private func take() async {
        let news = await self.port.takeServed()
        self.ledger.withLock { $0.add(news) }
    }

    private func turn() async {
        await self.take()
        guard let session = self.membership.session, let report = self.ledger.withLock({ $0.draft() }) else { return }
        do throws(StateError) {
            switch try await self.state.reportServed(session.name, number: report.number, report.new, report.inFlight) {
            case .counted, .repeated: self.ledger.withLock { $0.answered() }
            case .lapsed:
                self.ledger.withLock { $0.lapsed() }
                self.membership.heardLapsed(session.name)
            }
        } catch {
            self.logger.debug("what callers got could not be reported", metadata: ["mm.error": "\(error)"])
        }
    }
}
