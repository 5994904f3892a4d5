import ArgumentParser
import Foundation
import Gateway
import Logging
import RedisClient

/// From words to a running replica: reads the configuration, starts the log, and turns what goes wrong at the start into
/// the exit code and the one line that belong to it.
struct ReplicaProgram {
    let options: [String: String]
    let environment: [String: String]

    func run() async throws {
        var configuration = try self.configuration()
        self.startLog(configuration)
        let logger = Logger(label: "model-manager")
        configuration.dataPlane.fit(filesMax: OpenFiles.raiseLimit(logger), eventLoops: configuration.eventLoops)
        let replica: Replica
        do {
            replica = try await Replica(configuration, logger: logger)
        } catch let error as PrivateRedisError {
            throw Self.exit(for: error)
        } catch let error as RedisError {
            throw ProgramExit.wrongConfiguration.saying("REDIS_URL: \(error.message)")
        }
        do {
            try await replica.run()
        } catch let error as ReplicaFailure {
            throw ProgramExit.failed.saying(error.description)
        } catch let error as ConfigurationError {
            throw ProgramExit.wrongConfiguration.saying(error.description)
        }
    }

    private func configuration() throws -> ReplicaConfiguration {
        do throws(ConfigurationError) {
            let file = try ServicesFileSettings(options: self.options, environment: self.environment)
            let values = try SettingValues(options: self.options, environment: self.environment, file: file.settings)
            var system = SystemRandomNumberGenerator()
            let nonce = String(UInt32.random(in: .min ... .max, using: &system), radix: 16)
            var configuration = try ReplicaConfiguration(
                values,
                hostName: ProcessInfo.processInfo.hostName,
                nonce: nonce,
                cores: ProcessInfo.processInfo.activeProcessorCount
            )
            configuration.servicesFile = file.path
            return configuration
        } catch {
            throw ProgramExit.wrongConfiguration.saying(error.description)
        }
    }

    private func startLog(_ configuration: ReplicaConfiguration) {
        let (level, format) = (configuration.logLevel, configuration.logFormat)
        LoggingSystem.bootstrap { label in
            LineLogHandler(label: label, level: level, format: format == .json ? .json : .text)
        }
    }

    private static func exit(for error: PrivateRedisError) -> ExitCode {
        switch error.code {
        case .directoryInUse: ProgramExit.tryAgainLater.saying(error.message)
        case .serverMissing, .serverUnusable:
            ProgramExit.wrongConfiguration.saying("\(error.message); install it or set REDIS_URL")
        case .directoryUnusable: ProgramExit.wrongConfiguration.saying("DATA_DIR: \(error.message)")
        default: ProgramExit.failed.saying(error.message)
        }
    }
}

/// Why a replica that was well configured could not run, or did not end well.
struct ReplicaFailure: Error, CustomStringConvertible {
    var description: String
}
