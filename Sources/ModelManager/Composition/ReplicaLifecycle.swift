import Gateway
import Glibc
import Logging
import NIOCore
import ServiceLifecycle
import UnixSignals

/// One replica's life as its callers see it: listen once there is something to route by, serve, and leave in an order
/// that loses nothing.
///
/// The last service of its group, so it is the first to end: what it needs to serve the last request is still there.
/// Leaving: readiness fails at once; for the drain delay everything is still accepted and every answer closes its
/// connection, so that the ingress moves its traffic elsewhere; then the listener closes and what runs may finish.
struct ReplicaLifecycle: ServiceLifecycle.Service {
    let configuration: ReplicaConfiguration
    let dataPlane: DataPlane
    let door: any GeneralDoor
    let condition: ReplicaCondition
    /// Tells the cluster that this replica leaves; ends within the time of a command.
    let handOver: @Sendable () async -> Void
    /// Waits for the first snapshot; false when the time is up.
    let firstSnapshot: @Sendable (Duration) async -> Bool
    let logger: Logger

    /// A replica without any snapshot starts serving after this time, so that its liveness and its reasons can be asked.
    static let firstSnapshotWait = Duration.seconds(5)

    func run() async throws {
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        if await self.firstSnapshot(Self.firstSnapshotWait) == false {
            self.logger.warning("serving without a registry: redis is not followed yet")
        }
        try await self.listen()
        try await self.serve(until: signals)
    }

    /// The first signal begins the leaving, the second lets it end now.
    private func serve(until signals: UnixSignalsSequence) async throws {
        let (told, tell) = AsyncStream<UnixSignal>.makeStream(bufferingPolicy: .bufferingOldest(1))
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                var count = 0
                for await signal in signals {
                    count += 1
                    tell.yield(signal)
                    if count == 2 { break }
                }
                return false
            }
            group.addTask {
                for await signal in told {
                    try await self.leave(because: signal)
                    break
                }
                return true
            }
            let hasLeft = try await group.next() ?? true
            group.cancelAll()
            if !hasLeft { _ = try await group.next() }
        }
    }

    private func listen() async throws {
        let address: SocketAddress
        do {
            address = try await self.dataPlane.listen(
                host: self.configuration.apiHost,
                port: self.configuration.apiPort,
                general: self.door
            )
        } catch {
            throw Self.failure(error, self.configuration)
        }
        let port = address.port ?? self.configuration.apiPort
        let host =
            self.configuration.apiHost.contains(":") ? "[\(self.configuration.apiHost)]" : self.configuration.apiHost
        StandardStreams.output("ready url=http://\(host):\(port) replica=\(self.configuration.replicaID)\n")
        self.condition.listens(at: "\(host):\(port)")
        self.logger.info("serving", metadata: ["mm.address": "\(host):\(port)"])
    }

    /// Names the variable that is wrong, where it is one: the port may be free again later, the host is never ours.
    private static func failure(_ error: any Error, _ configuration: ReplicaConfiguration) -> any Error {
        let place = "\(configuration.apiHost):\(configuration.apiPort)"
        switch error {
        case is SocketAddressError.UnknownHost:
            return ConfigurationError(
                variable: "API_HOST",
                value: configuration.apiHost,
                allowed: "an address of this machine, or a name of one; it does not resolve"
            )
        case let error as IOError where error.errnoCode == EADDRNOTAVAIL:
            return ConfigurationError(
                variable: "API_HOST",
                value: configuration.apiHost,
                allowed: "an address of this machine, such as 127.0.0.1, or 0.0.0.0 for all of them"
            )
        case let error as IOError where error.errnoCode == EADDRINUSE:
            return ReplicaFailure(description: "cannot listen on \(place): another program does; set API_PORT")
        default:
            return ReplicaFailure(description: "cannot listen on \(place): \(error)")
        }
    }

    private func leave(because signal: UnixSignal) async throws {
        self.logger.info(
            "leaving",
            metadata: ["mm.signal": "\(signal)", "mm.drain_delay": "\(self.configuration.drainDelay)"]
        )
        self.condition.beginDraining()
        self.dataPlane.beginDraining()
        async let handedOver: Void = self.handOver()
        // Cancelled when told twice: what is left to do is done without waiting.
        try? await Task.sleep(for: self.configuration.drainDelay)
        await handedOver
        await self.dataPlane.stopListening()
        let cut = await self.dataPlane.finish(within: self.configuration.shutdownGrace)
        guard cut > 0 else { return }
        self.logger.error("requests were cut", metadata: ["mm.count": "\(cut)"])
        let reason = Task.isCancelled ? "it was told twice to leave" : "they took longer than SHUTDOWN_GRACE"
        throw ReplicaFailure(description: "\(cut) requests were cut: \(reason)")
    }
}
