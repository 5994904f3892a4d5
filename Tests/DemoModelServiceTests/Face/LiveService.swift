import Foundation
import Hummingbird
import Logging
import ManagerTesting
import ServiceLifecycle

@testable import DemoModelService

/// A service on a port of its own for the length of a test, trained only so much that it can answer.
struct LiveService: Sendable {
    static let quick = Recipe(hidden: 2, window: 16, epochs: 1)

    let port: Int
    let client: PlainClient

    static func use(
        _ configuration: ServiceConfiguration = ServiceConfiguration(),
        services: [any Service] = [],
        onRunning: @escaping @Sendable (Int) -> Void = { _ in },
        _ test: @Sendable (LiveService) async throws -> Void
    ) async throws {
        var configuration = configuration
        configuration.recipe = Self.quick
        let (ports, running) = AsyncStream<Int>.makeStream()
        let logger = Logger(label: "demo-model-service", factory: { _ in SwiftLogNoOpLogHandler() })
        let application = DemoService(configuration).application(logger: logger, services: services) { port in
            onRunning(port)
            running.yield(port)
            running.finish()
        }
        try await Self.run(application, logger, ports, test)
    }

    private static func run(
        _ application: some ApplicationProtocol,
        _ logger: Logger,
        _ ports: AsyncStream<Int>,
        _ test: @Sendable (LiveService) async throws -> Void
    ) async throws {
        let group = ServiceGroup(configuration: .init(services: [application], logger: logger))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            for await port in ports {
                let client = PlainClient("http://127.0.0.1:\(port)", timeoutSeconds: 20)
                let result = await Result { try await test(LiveService(port: port, client: client)) }
                await group.triggerGracefulShutdown()
                try result.get()
            }
            try await tasks.waitForAll()
        }
    }

    func post(_ path: String, _ body: String, headers: [String] = []) async throws -> JSONAnswer {
        try await JSONAnswer(self.client.post(path, body, headers: headers))
    }

    func get(_ path: String) async throws -> JSONAnswer { try await JSONAnswer(self.client.get(path)) }

    func delete(_ path: String) async throws -> JSONAnswer { try await JSONAnswer(self.client.send("DELETE", path)) }
}

extension Result where Failure == any Error {
    init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
