internal import Hummingbird
internal import HummingbirdCore
public import Logging
internal import NIOCore
public import NIOPosix
internal import Registry
internal import ServiceLifecycle

/// A listener of its own for whoever only asks whether the replica lives and is ready: nothing else can be asked there,
/// so it may be reachable where the API must not be, and it answers while the API's listener is closed already.
///
/// Whoever reaches it must not be able to exhaust the process: connections are bounded, and one on which nothing is asked
/// is closed.
public struct ProbeDoor: Sendable {
    private let face: ManagerFace
    private let host: String
    private let port: Int
    private let group: MultiThreadedEventLoopGroup
    private let logger: Logger

    /// More wait in the kernel until one of them has ended.
    static let connectionsMax = 256
    private let idleTimeout: TimeAmount

    public init(face: ManagerFace, host: String, port: Int, group: MultiThreadedEventLoopGroup, logger: Logger) {
        self.face = face
        self.host = host
        self.port = port
        self.group = group
        self.logger = logger
        self.idleTimeout = .nanoseconds(face.settings.idleTimeout.inNanoseconds)
    }

    /// Serves until gracefully shut down or cancelled; throws when it cannot listen.
    public func run() async throws {
        let logger = self.logger
        let application = Application(
            responder: self.face.responder.onlyProbes,
            server: .http1(configuration: .init(idleTimeout: self.idleTimeout)),
            configuration: ApplicationConfiguration(
                address: .hostname(self.host, port: self.port),
                availableConnectionsDelegate: MaximumAvailableConnections(Self.connectionsMax)
            ),
            onServerRunning: { channel in
                let address = "\(self.host):\(channel.localAddress?.port ?? 0)"
                logger.info("serving probes", metadata: ["mm.address": "\(address)"])
            },
            eventLoopGroupProvider: .shared(self.group),
            logger: Logger(label: "probes") { _ in SwiftLogNoOpLogHandler() }
        )
        try await application.run()
    }
}

extension FaceResponder {
    /// Knows `/health/live` and `/health/ready`, and nothing else.
    var onlyProbes: FaceResponder {
        FaceResponder(
            table: RouteTable(self.table.routes.filter { $0.path.hasPrefix("/health/") }),
            ports: self.ports,
            identity: self.identity,
            counts: self.counts,
            epochWaitMax: self.epochWaitMax,
            access: nil,
            logger: self.logger
        )
    }
}
