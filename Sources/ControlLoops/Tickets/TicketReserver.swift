public import ClusterState
public import Logging
public import ServiceLifecycle

/// Reserves round-robin tickets for the pools of this replica before they run out.
///
/// One call serves all pools that want tickets, and one is under way at a time. When Redis is away the pools go on with
/// tickets of their own and the loop asks again, slowly; nothing waits for it.
public final class TicketReserver: ServiceLifecycle.Service {
    private let port: any TicketPort
    private let state: ClusterState
    private let time: LoopTime
    private let logger: Logger
    private let bell = Bell()

    /// How late a want may be noticed that nobody rang for.
    private static let tick = Duration.seconds(1)
    private static let pauseAfterFailure = Duration.milliseconds(250)
    /// Between two calls at least: what is wanted meanwhile goes with the next one.
    private static let pauseAfterCall = Duration.milliseconds(2)

    public init(port: any TicketPort, state: ClusterState, time: LoopTime = .system, logger: Logger) {
        self.port = port
        self.state = state
        self.time = time
        self.logger = logger
    }

    /// Tickets are running out. Called on event loops: costs one atomic exchange.
    public func wake() {
        self.bell.ring()
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                let pause = await self.turn()
                if pause > .zero { try? await self.time.sleep(pause) }
                await self.bell.wait(atMost: Self.tick, self.time)
            }
        }
    }

    /// Reserves what is wanted now; returns for how long to leave Redis alone.
    private func turn() async -> Duration {
        let demands = self.port.demand()
        guard !demands.isEmpty else { return .zero }
        for start in stride(from: 0, to: demands.count, by: ClusterState.ticketPoolsMax) {
            let batch = demands[start..<min(demands.count, start + ClusterState.ticketPoolsMax)]
            guard await self.reserve(batch) else { return Self.pauseAfterFailure }
        }
        return Self.pauseAfterCall
    }

    private func reserve(_ demands: ArraySlice<TicketDemand>) async -> Bool {
        do throws(StateError) {
            let firsts = try await self.state.ticketBlocks(demands.map { (pool: $0.pool, count: $0.count) })
            for (demand, first) in zip(demands, firsts) {
                self.port.grant(pool: demand.pool, first: UInt64(max(0, first)), count: demand.count)
            }
            return true
        } catch {
            self.logger.debug("tickets could not be reserved", metadata: ["mm.error": "\(error)"])
            return false
        }
    }
}
