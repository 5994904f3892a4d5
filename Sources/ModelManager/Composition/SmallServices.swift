import ControlLoops
import Gateway
import Logging
import ManagerAPI
import Registry
import ServiceLifecycle

/// Serves the general door's connections for as long as the replica lives.
struct DoorService: ServiceLifecycle.Service {
    let door: HummingbirdDoor

    func run() async throws {
        try await withGracefulShutdownHandler {
            try await self.door.run()
        } onGracefulShutdown: {
            self.door.close()
        }
    }
}

/// Serves the probe port for as long as the process lives.
struct ProbeListener: ServiceLifecycle.Service {
    let door: ProbeDoor
    let port: Int

    func run() async throws {
        do {
            try await self.door.run()
        } catch {
            throw ReplicaFailure(description: "cannot serve the probes on PROBE_PORT \(self.port): \(error)")
        }
    }
}

/// Tells the data plane since when Redis is silent, or this replica cut off from its session, so that every answer says
/// so.
struct StalenessMark: ServiceLifecycle.Service {
    let contact: StoreContact
    let catchUp: CatchUpLoop
    let dataPlane: DataPlane
    let time: LoopTime

    private static let tick = Duration.milliseconds(250)

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                let now = self.time.now()
                let silentSince = self.contact.staleness.map { now + (.zero - $0) }
                self.dataPlane.setStale(since: silentSince ?? self.catchUp.cutOffSince)
                try? await self.time.sleep(Self.tick)
            }
        }
    }
}

/// Says in the log what breakers do; each change of phase is a thing an operator acts on.
struct BreakerNewsLog: DataPlaneNews {
    let logger: Logger

    func breakerMoved(_ key: InstanceKey, to phase: BreakerPhase, trips: Int) {
        let metadata: Logger.Metadata = [
            "mm.service": "\(key.service)", "mm.instance": "\(key.url)", "mm.breaker": "\(phase.rawValue)",
            "mm.trips": "\(trips)",
        ]
        switch phase {
        case .open: self.logger.warning("breaker tripped", metadata: metadata)
        case .halfOpen: self.logger.info("breaker lets probe requests through", metadata: metadata)
        case .closed: self.logger.info("breaker closed", metadata: metadata)
        }
    }
}
