import ArgumentParser
import Foundation

/// Runs one replica until it is told to leave.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run one replica.",
        discussion:
            "Every option can also be an environment variable (--api-port is API_PORT) or stand in the services file's settings object."
    )
    @OptionGroup var settings: ServeOptions

    func run() async throws {
        try await ReplicaProgram(options: self.settings.values, environment: ProcessInfo.processInfo.environment).run()
    }
}
