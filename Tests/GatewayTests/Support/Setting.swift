import Gateway
import Logging
import ManagerTesting
import NIOCore
import NIOPosix
import Registry
import Synchronization
import Testing

/// A data plane that listens on a free port, and what a test needs to give it services and callers.
final class Setting: Sendable {
    /// Remembers what the breakers did.
    final class News: DataPlaneNews {
        struct Move: Equatable {
            var service: String
            var phase: BreakerPhase
        }
        private let moves = Mutex<[Move]>([])
        var all: [Move] { self.moves.withLock { $0 } }
        func breakerMoved(_ key: InstanceKey, to phase: BreakerPhase, trips: Int) {
            self.moves.withLock { $0.append(Move(service: key.service.text, phase: phase)) }
        }
    }

    let plane: DataPlane
    let news = News()
    let port: Int
    private let host: String
    private let group: MultiThreadedEventLoopGroup
    private let epoch = Mutex<Int64>(0)

    init(host: String = "127.0.0.1", loops: Int = 1, _ adjust: (inout DataPlaneSettings) -> Void = { _ in })
        async throws
    {
        self.host = host
        var settings = DataPlaneSettings(replicaID: "r1")
        settings.retryDelay = .milliseconds(20)
        // On a busy machine a stub may need long for what takes it no time: tests of these say what they want of them.
        settings.timeout = .seconds(600)
        settings.headTimeout = .seconds(600)
        settings.idleTimeout = .seconds(600)
        settings.connectTimeout = .seconds(30)
        settings.inputAskTimeout = .seconds(30)
        adjust(&settings)
        self.group = MultiThreadedEventLoopGroup(numberOfThreads: loops)
        self.plane = DataPlane(settings: settings, group: self.group, news: self.news, logger: Logger(label: "test"))
        self.port = try await self.plane.listen(host: host, port: 0, general: PlainGeneralDoor()).port ?? 0
    }

    /// Runs a test with a data plane, and takes it down again whatever happens.
    static func run(
        host: String = "127.0.0.1",
        loops: Int = 1,
        _ adjust: (inout DataPlaneSettings) -> Void = { _ in },
        _ body: (Setting) async throws -> Void
    ) async throws {
        let setting = try await Setting(host: host, loops: loops, adjust)
        do {
            try await body(setting)
        } catch {
            await setting.end()
            throw error
        }
        await setting.end()
    }

    func end() async {
        await self.plane.stopListening()
        _ = await self.plane.finish(within: .zero)
        try? await self.group.shutdownGracefully()
    }

    /// Makes the registry consist of these services.
    func register(
        _ definitions: [ServiceDefinition],
        draining: Set<String> = [],
        pointers: [ModelType: ModelPointers] = [:]
    ) {
        let epoch = self.epoch.withLock {
            $0 += 1
            return Epoch($0)
        }
        let services = definitions.enumerated().map { index, definition in
            Service(
                definition: definition,
                source: .api,
                isDraining: draining.contains(definition.id.text),
                registeredAt: Timestamp(milliseconds: 0),
                registeredEpoch: Epoch(Int64(index)),
                epoch: epoch
            )
        }
        self.plane.apply(RegistrySnapshot(epoch: epoch, services: services, pointers: pointers))
    }

    /// The live state of the only instance of a service.
    func state(_ service: String) -> InstanceState? {
        ServiceID(service).flatMap { self.plane.states(of: $0).first }
    }

    func caller() async throws -> Caller { try await Caller.connect(host: self.host, port: self.port) }

    /// One prediction on a connection of its own.
    func predict(_ body: String = #"{"model_type":"LSTM","data":[1]}"#, headers: String = "") async throws
        -> CallerAnswer
    {
        let caller = try await self.caller()
        try await caller.send(Self.request(body, headers: headers))
        let answer = try await caller.answer(within: .seconds(30))
        await caller.close()
        return answer
    }

    static func request(_ body: String = #"{"model_type":"LSTM","data":[1]}"#, headers: String = "") -> String {
        "POST /predict HTTP/1.1\r\nhost: manager\r\ncontent-type: application/json\r\n\(headers)"
            + "content-length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    static func service(
        _ id: String,
        at url: String,
        version: String? = nil,
        _ adjust: (inout ServiceDefinition) -> Void = { _ in }
    ) throws -> ServiceDefinition {
        var definition = ServiceDefinition(
            id: try #require(ServiceID(id)),
            url: try ServiceURL(url),
            modelType: try #require(ModelType("LSTM")),
            capabilities: ["prediction", "training"]
        )
        if let version { definition.modelVersion = try #require(ModelVersion(version)) }
        adjust(&definition)
        return definition
    }
}
