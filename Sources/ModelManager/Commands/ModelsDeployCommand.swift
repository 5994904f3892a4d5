import ArgumentParser
import Registry

extension ModelsCommand {
    struct Deploy: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Have services load a version, one after another.",
            discussion: """
                The version takes no traffic by that. With --wait the command ends with the deployment: 0 when a service has \
                the version, 1 when none has it, 75 when the time is up.
                """
        )
        @OptionGroup var connection: ConnectionOptions
        @Argument(help: "The model type.") var modelType: String
        @Argument(help: "The version.") var version: String
        @Option(help: "What the services are told to load.") var artifact: String?
        @Option(help: "Only at this service; may be repeated. Without it: all services of the model type.")
        var service: [String] = []
        @Option(help: "An object in JSON for the services.") var parameters: String?
        @Option(help: "Seconds to wait for the end.") var wait: Double?

        func run() async throws {
            let client = try self.connection.client()
            let body = JSONValue.object(JSONObject(try self.members()))
            var shown = try await client.send("POST", "/models/\(self.modelType)/versions", body: body)
            let clock = ContinuousClock()
            let end = clock.now.advanced(by: .seconds(self.wait ?? 0))
            while shown["deployment"]?["under_way"]?.asBool == true, clock.now < end {
                try await clock.sleep(for: .milliseconds(250))
                shown = try await client.send("GET", "/models/\(self.modelType)/versions/\(self.version)")
            }
            self.show(shown)
            if self.wait != nil { try self.end(shown) }
        }

        private func members() throws -> [(String, JSONValue)] {
            var members: [(String, JSONValue)] = [("version", .string(self.version))]
            if let artifact { members.append(("artifact", .string(artifact))) }
            if !self.service.isEmpty { members.append(("services", .array(self.service.map { .string($0) }))) }
            if let parameters {
                guard let parsed = try? JSONValue.parse(parameters) else {
                    throw ValidationError("--parameters must be JSON")
                }
                members.append(("parameters", parsed))
            }
            return members
        }

        private func show(_ version: JSONValue) {
            print("\(self.modelType) \(self.version) is \(version.shown("state"))")
            let rows = (version["deployment"]?.list("services") ?? []).map { row in
                [row.shown("service_id"), row.shown("outcome"), row.shown("reason")]
            }
            print(TablePrinter.render(["SERVICE", "OUTCOME", "REASON"], rows))
        }

        private func end(_ version: JSONValue) throws {
            if version["deployment"]?["under_way"]?.asBool == true { throw ExitCode(75) }
            let outcomes = version["deployment"]?.list("services").map { $0.shown("outcome") } ?? []
            if !outcomes.contains("loaded") { throw ExitCode(1) }
        }
    }
}
