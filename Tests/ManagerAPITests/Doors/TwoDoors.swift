import Gateway
import Logging
import ManagerTesting
import NIOCore
import NIOPosix
import Registry
import Synchronization
import Testing

@testable import ManagerAPI

/// A real data plane with the real face behind its listener: what a replica's port is, without a store.
final class TwoDoors: Sendable {
    /// The snapshot that callers may wait for.
    private final class Snapshots: SnapshotReads {
        private let current = Mutex<RegistrySnapshot>(.empty)
        var snapshot: RegistrySnapshot? { self.current.withLock { $0 } }
        func set(_ snapshot: RegistrySnapshot) { self.current.withLock { $0 = snapshot } }

        func waitForEpoch(_ epoch: Epoch, within limit: Duration) async -> Bool {
            (try? await happens(within: limit) { (self.snapshot?.epoch ?? .zero) >= epoch }) ?? false
        }
    }

    private struct SilentNews: DataPlaneNews {
        func breakerMoved(_ key: InstanceKey, to phase: BreakerPhase, trips: Int) {}
    }

    let replica = FakeReplica()
    let plane: DataPlane
    let port: Int
    private let door: HummingbirdDoor
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let snapshots = Snapshots()

    private init(_ adjust: (inout DataPlaneSettings, inout FaceSettings) -> Void) async throws {
        var (settings, face) = (DataPlaneSettings(replicaID: "r1"), FaceSettings())
        settings.retryDelay = .milliseconds(20)
        adjust(&settings, &face)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        self.plane = DataPlane(settings: settings, group: self.group, news: SilentNews(), logger: logger)
        var ports = self.replica.ports
        ports.traffic = self.plane
        ports.snapshots = self.snapshots
        self.door = HummingbirdDoor(
            face: ManagerFace(ports: ports, identity: self.replica.identity, settings: face, logger: logger),
            logger: logger
        )
        self.port = try await self.plane.listen(host: "127.0.0.1", port: 0, general: self.door).port ?? 0
    }

    /// Runs a test with both doors open, and closes them whatever happens.
    static func run(
        _ adjust: (inout DataPlaneSettings, inout FaceSettings) -> Void = { _, _ in },
        _ body: @escaping @Sendable (TwoDoors) async throws -> Void
    ) async throws {
        let doors = try await TwoDoors(adjust)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await doors.door.run() }
            let result: Result<Void, any Error>
            do {
                result = .success(try await body(doors))
            } catch {
                result = .failure(error)
            }
            await doors.close()
            try await group.waitForAll()
            // Last: whoever serves a connection still needs its loop to learn of the end.
            try? await doors.group.shutdownGracefully()
            try result.get()
        }
    }

    private func close() async {
        await self.plane.stopListening()
        _ = await self.plane.finish(within: .zero)
        self.door.close()
    }

    /// Makes the registry consist of these services, at the next epoch.
    func register(_ definitions: [ServiceDefinition]) {
        let epoch = Epoch((self.snapshots.snapshot?.epoch.rawValue ?? 0) + 1)
        let services = definitions.map {
            Service(
                definition: $0,
                source: .api,
                registeredAt: FakeReplica.started,
                registeredEpoch: epoch,
                epoch: epoch
            )
        }
        let snapshot = RegistrySnapshot(epoch: epoch, services: services, pointers: [:])
        self.plane.apply(snapshot)
        self.snapshots.set(snapshot)
    }

    func caller() async throws -> Caller { try await Caller.connect(port: self.port) }

    /// One request on a connection of its own.
    func ask(_ request: [UInt8]) async throws -> CallerAnswer {
        let caller = try await self.caller()
        try await caller.send(request)
        let answer = try await caller.answer(within: .seconds(30))
        await caller.close()
        return answer
    }

    func ask(_ request: String) async throws -> CallerAnswer { try await self.ask(Array(request.utf8)) }

    static func service(_ id: String, at url: String) throws -> ServiceDefinition {
        ServiceDefinition(
            id: try #require(ServiceID(id)),
            url: try ServiceURL(url),
            modelType: try #require(ModelType("LSTM")),
            capabilities: ["prediction"]
        )
    }
}
