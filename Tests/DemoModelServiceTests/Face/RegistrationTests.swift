import Foundation
import Hummingbird
import Logging
import ManagerTesting
import ServiceLifecycle
import Synchronization
import Testing

@testable import DemoModelService

@Suite struct `The registration` {
    /// A manager that notes what it is told and answers by script; 201 or 200 once the script is used up.
    private final class ScriptedManager: Sendable {
        private let state: Mutex<(script: [HTTPResponse.Status], calls: [String])>

        init(_ script: [HTTPResponse.Status]) { self.state = Mutex((script, [])) }

        var calls: [String] { self.state.withLock { $0.calls } }

        func answer(_ request: Request) async throws -> Response {
            let body = try await request.body.collect(upTo: 65_536)
            let status = self.state.withLock { state -> HTTPResponse.Status in
                state.calls.append("\(request.uri.path) \(String(buffer: body))")
                return state.script.isEmpty ? .ok : state.script.removeFirst()
            }
            return Response(status: status)
        }

        func use(_ test: @Sendable (ManagerAddress) async throws -> Void) async throws {
            let router = Router()
            router.post("services/register") { request, _ in try await self.answer(request) }
            router.post("services/:id/heartbeat") { request, _ in try await self.answer(request) }
            let (ports, running) = AsyncStream<Int>.makeStream()
            let logger = Logger(label: "manager", factory: { _ in SwiftLogNoOpLogHandler() })
            let application = Application(
                router: router,
                configuration: .init(address: .hostname("127.0.0.1", port: 0)),
                onServerRunning: { running.yield($0.localAddress?.port ?? 0) },
                logger: logger
            )
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await application.run() }
                for await port in ports {
                    try await test(#require(ManagerAddress("http://127.0.0.1:\(port)")))
                    break
                }
                group.cancelAll()
            }
        }
    }

    private func register(_ manager: ManagerAddress, lease: Int?, until done: @escaping @Sendable () -> Bool)
        async throws
    {
        let entry = RegistrationEntry(
            serviceId: "lstm-1",
            modelType: "LSTM",
            modelVersion: "v1",
            capabilities: ["prediction"],
            lease: lease,
            maxConcurrentRequests: nil
        )
        let logger = Logger(label: "registration", factory: { _ in SwiftLogNoOpLogHandler() })
        let registration = Registration(entry: entry, manager: manager, logger: logger)
        let begin: @Sendable (Int) -> Void = { registration.begin(serviceURL: "http://127.0.0.1:\($0)") }
        try await LiveService.use(services: [registration], onRunning: begin) { _ in
            let inTime = try await eventually(within: .seconds(20)) { done() }
            #expect(inTime)
        }
    }

    @Test func `knocks until the manager takes it and tells what it is`() async throws {
        let manager = ScriptedManager([.serviceUnavailable, .serviceUnavailable, .created])
        try await manager.use { address in
            try await register(address, lease: nil) { manager.calls.count == 3 }
        }
        let call = try #require(manager.calls.last)
        #expect(call.hasPrefix("/services/register {"))
        for part in [#""service_id":"lstm-1""#, #""model_version":"v1""#, #""model_type":"LSTM""#, "127.0.0.1:"] {
            #expect(call.contains(part), "\(call)")
        }
        #expect(!call.contains("lease"))
    }

    @Test func `renews its lease and registers again when it was forgotten`() async throws {
        let manager = ScriptedManager([.created, .ok, .notFound, .created])
        try await manager.use { address in
            try await register(address, lease: 1) { manager.calls.count >= 5 }
        }
        let paths = manager.calls.prefix(5).compactMap { $0.split(separator: " ").first }
        let (knock, nod) = ("/services/register", "/services/lstm-1/heartbeat")
        #expect(paths.map(String.init) == [knock, nod, nod, knock, nod])
    }
}
