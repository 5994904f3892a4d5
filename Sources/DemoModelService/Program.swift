import ArgumentParser
import Foundation
import Hummingbird
import Logging

/// The demo model service: a true counterpart for Model Manager, small enough to start by the dozen.
@main struct Program: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo-model-service",
        abstract: "Serves a small LSTM that forecasts sunspot numbers, and can be told to misbehave."
    )

    @OptionGroup var service: ServiceOptions
    @OptionGroup var faults: FaultOptions
    @OptionGroup var registration: RegistrationOptions

    func run() async throws {
        LoggingSystem.bootstrap(StreamLogHandler.standardError)
        var logger = Logger(label: "demo-model-service")
        logger.logLevel = .warning
        let configuration = try self.service.configuration(faults: self.faults.settings())
        let service = DemoService(configuration)
        let registration = try self.registration.registration(of: configuration, logger: logger)
        let application = service.application(logger: logger, services: registration.map { [$0] } ?? []) { port in
            let url = "http://\(configuration.host):\(port)"
            let version = configuration.versions[0]
            let line = "ready url=\(url) model_type=\(configuration.modelType) version=\(version)\n"
            try? FileHandle.standardOutput.write(contentsOf: Data(line.utf8))
            registration?.begin(serviceURL: url)
        }
        try await application.runService()
    }
}
