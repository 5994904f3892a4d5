public import Logging
public import Registry
public import ServiceLifecycle

/// What the lease sweep needs of the shared truth.
public protocol LeaseCommands: Sendable {
    /// Removes the services whose lease has run out, a bounded number a call; ends within a bounded time.
    func expireLeases(under term: Term) async throws -> [ServiceID]
}

/// At the leader, every second removes the services that stopped to heartbeat.
///
/// The store decides, by its own lease clock, who is late. While the store is away nobody is removed.
public final class LeaseSweep: ServiceLifecycle.Service {
    private let leases: any LeaseCommands
    private let loop: LeaderLoop
    private let logger: Logger

    public static let tick: Duration = .seconds(1)

    public init(
        leases: any LeaseCommands,
        leadership: any Leadership,
        time: LoopTime = .system,
        logger: Logger
    ) {
        self.leases = leases
        self.loop = LeaderLoop(leadership, every: Self.tick, time: time)
        self.logger = logger
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            var isAway = false
            await self.loop.run { isAway = await self.turn(under: $0, wasAway: isAway) }
        }
    }

    /// True when the store could not be asked, which is logged once.
    private func turn(under term: Term, wasAway: Bool) async -> Bool {
        do {
            for id in try await self.leases.expireLeases(under: term) {
                self.logger.info("the service stopped to heartbeat and is removed", metadata: ["mm.service": "\(id)"])
            }
            return false
        } catch {
            if !wasAway {
                self.logger.debug("leases cannot be checked now", metadata: ["mm.error": "\(error)"])
            }
            return true
        }
    }
}
