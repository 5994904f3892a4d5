import ArgumentParser
import ClusterState
import Foundation
import Logging
import NIOPosix
import RedisClient
import Registry

/// The Redis itself, asked without any replica.
struct RedisCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "redis",
        abstract: "Look into the Redis of a cluster; works while no replica runs.",
        subcommands: [Doctor.self]
    )
}

extension RedisCommand {
    struct Doctor: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Find what is left over, broken or unsafe in Redis, and say what to do.",
            discussion: "Exit codes: 0 healthy (notes do not count), 1 with findings, 69 unreachable. Changes nothing."
        )
        @Option(help: "Default: REDIS_URL, else the private Redis in DATA_DIR.") var redisURL: String?
        @Option(help: "Default: REDIS_KEY_PREFIX, else mm.") var redisKeyPrefix: String?
        @Option(help: "Where the private Redis lives. Default: DATA_DIR, else .model-manager.") var dataDir: String?
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let seen = try await self.examine()
            let findings = StoreDoctor.findings(in: seen, library: ClusterState.library.name)
            let isHealthy = findings.allSatisfy { $0.severity == .note }
            switch self.output.output {
            case .json: print(DoctorReport.json(seen, findings, isHealthy: isHealthy).serialized(pretty: true))
            case .table: print(DoctorReport.table(seen, findings))
            }
            if !isHealthy { throw ExitCode(ProgramExit.failed.rawValue) }
        }

        private func examine() async throws -> StoreExamination {
            var configuration = try self.place()
            configuration.clientName = "mm-doctor"
            configuration.commandTimeout = .seconds(5)
            configuration.connectTimeout = .seconds(3)
            let namespace = self.setting(self.redisKeyPrefix, "REDIS_KEY_PREFIX") ?? "mm"
            guard NameRule.allows(namespace) else {
                throw ProgramExit.wrongConfiguration.saying("REDIS_KEY_PREFIX: '\(namespace)' is no name")
            }
            let redis = Redis(
                configuration: configuration,
                group: MultiThreadedEventLoopGroup.singleton,
                logger: Logger(label: "doctor") { _ in SwiftLogNoOpLogHandler() }
            )
            do {
                return try await Self.whileConnected(redis) {
                    try await StoreExaminer(redis: $0, namespace: namespace).examine()
                }
            } catch let error as RedisError {
                throw ProgramExit.unreachable.saying("\(configuration.address): \(error.message)")
            }
        }

        private static func whileConnected<Result: Sendable>(
            _ redis: Redis,
            _ body: (Redis) async throws -> Result
        ) async throws -> Result {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await redis.run() }
                defer { group.cancelAll() }
                try await redis.waitConnected(within: Self.patience)
                return try await body(redis)
            }
        }

        private static let patience = Duration.seconds(5)

        private func place() throws -> RedisConfiguration {
            do throws(RedisError) {
                if let url = self.setting(self.redisURL, "REDIS_URL") { return try RedisConfiguration(url: url) }
            } catch {
                throw ProgramExit.wrongConfiguration.saying("REDIS_URL: \(error.message)")
            }
            let directory = self.setting(self.dataDir, "DATA_DIR") ?? ".model-manager"
            let path = URL(filePath: directory).appending(path: "redis.sock").path()
            return RedisConfiguration(address: .unixSocket(path: path))
        }

        private func setting(_ option: String?, _ variable: String) -> String? {
            let value = option ?? ProcessInfo.processInfo.environment[variable] ?? ""
            return value.isEmpty ? nil : value
        }
    }
}
