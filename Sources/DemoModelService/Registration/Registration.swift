import Foundation
import Logging
import ServiceLifecycle

/// The shell of the registration machine: registers the service once it listens, and keeps its lease.
final class Registration: Service {
    private let entry: RegistrationEntry
    private let manager: ManagerAddress
    private let logger: Logger
    private let serviceURLs: AsyncStream<String>
    private let listening: AsyncStream<String>.Continuation

    init(entry: RegistrationEntry, manager: ManagerAddress, logger: Logger) {
        self.entry = entry
        self.manager = manager
        self.logger = logger
        (self.serviceURLs, self.listening) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// The service listens at this URL now.
    func begin(serviceURL: String) { self.listening.yield(serviceURL) }

    func run() async throws {
        try? await cancelWhenGracefulShutdown {
            for await url in self.serviceURLs { try await self.stayRegistered(serviceURL: url) }
        }
        // A service that ends takes the whole program along, so wait for the end of all.
        try? await gracefulShutdown()
    }

    private func stayRegistered(serviceURL: String) async throws {
        var entry = self.entry
        entry.serviceUrl = serviceURL
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        let body = try encoder.encode(entry)
        var machine = RegistrationMachine(lease: entry.lease)
        var action = RegistrationMachine.Action.register(after: .zero)
        while true {
            switch action {
            case .register(let pause):
                try await Task.sleep(for: pause)
                action = machine.registered(status: await self.post("/services/register", body))
            case .heartbeat(let pause):
                try await Task.sleep(for: pause)
                let path = "/services/\(entry.serviceId)/heartbeat"
                action = machine.heartbeat(status: await self.post(path, Data("{}".utf8)))
            case .rest: return
            }
        }
    }

    /// The answer's status; nil when there was none.
    private func post(_ path: String, _ body: Data) async -> Int? {
        do {
            let status = try await ManagerCall(manager: self.manager, path: path, body: body).status()
            if status >= 300 { self.logger.warning("the manager refused", metadata: ["mm.status": "\(status)"]) }
            return status
        } catch {
            self.logger.warning("the manager is out of reach", metadata: ["mm.error": "\(error)"])
            return nil
        }
    }
}
