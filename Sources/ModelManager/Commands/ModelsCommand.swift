import ArgumentParser
import Registry

/// The life of model versions from the shell.
struct ModelsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "models",
        abstract:
            "List models, deploy, test, record and switch versions, split traffic, roll back, retire, move aliases.",
        subcommands: [
            List.self, Deploy.self, Evaluate.self, Recording.self, Switch.self, Traffic.self, Rollback.self,
            Retire.self, Alias.self,
        ],
        defaultSubcommand: List.self
    )
}

extension ModelsCommand {
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show all versions of all models, or of one.")
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "Only this model type.") var modelType: String?

        func run() async throws {
            let client = try self.connection.client()
            var models: [JSONValue] = []
            if let modelType {
                models = [try await client.send("GET", "/models/\(modelType)")]
            } else {
                var after: String?
                repeat {
                    let page = try await client.send("GET", "/models?limit=1000" + (after.map { "&after=\($0)" } ?? ""))
                    models += page.list("models")
                    after = page.shown("next") == "-" ? nil : page.shown("next")
                } while after != nil
            }
            self.show(models)
        }

        private func show(_ models: [JSONValue]) {
            guard self.output.output == .table else { return print(JSONValue.array(models).serialized(pretty: true)) }
            let rows = models.flatMap { model in model.list("versions").map { Self.row($0, of: model) } }
            print(TablePrinter.render(["MODEL", "VERSION", "STATE", "TRAFFIC", "ALIASES", "SERVICES"], rows))
        }

        private static func row(_ version: JSONValue, of model: JSONValue) -> [String] {
            let name = version.shown("version")
            let aliases = (model["aliases"]?.asObject?.members ?? []).filter { $0.value.asString == name }.map(\.name)
            let names = (model.shown("latest") == name ? ["latest"] : []) + aliases
            let services = version.list("services").map { $0.shown("service_id") }
            return [
                model.shown("model_type"), name, version.shown("state"),
                model["traffic"]?[name].map { "\($0) %" } ?? "-",
                names.isEmpty ? "-" : names.joined(separator: ","),
                services.isEmpty ? "-" : services.joined(separator: ","),
            ]
        }
    }

    struct Switch: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a version the latest, at once or as a canary.",
            discussion: "Returns when no replica begins a request at the version before; a canary, once it has begun."
        )
        @OptionGroup var connection: ConnectionOptions
        @Argument(help: "The model type.") var modelType: String
        @Argument(help: "The version.") var version: String
        @Option(help: "Only if this version is the latest now.") var expected: String?
        @Flag(help: "Even if the version is not ready.") var force = false
        @Flag(help: "Only if the last offline test of the version was passed.") var requireEvaluation = false
        @Option(help: "As a canary: percentages, such as 1,10,50,100.") var canary: String?
        @Option(help: "Seconds of a canary's step.") var interval: Double?
        @Option(help: "Share of failed requests above which the canary is rolled back, such as 0.02.")
        var maxErrorRate: Double?

        func run() async throws {
            let answer = try await self.connection.client().send(
                "POST",
                "/models/\(self.modelType)/switch",
                body: .object(JSONObject(try self.members()))
            )
            let outcome = self.canary == nil ? "is at \(self.version)" : "begins a canary of \(self.version)"
            print("\(self.modelType) \(outcome), epoch \(answer.shown("epoch"))")
        }

        private func members() throws -> [(String, JSONValue)] {
            var members: [(String, JSONValue)] = [("version", .string(self.version))]
            if let expected { members.append(("expected", .string(expected))) }
            if self.force { members.append(("force", true)) }
            if self.requireEvaluation { members.append(("require_evaluation", true)) }
            if let canary { members.append(("canary", try self.canary(canary))) }
            return members
        }

        private func canary(_ steps: String) throws -> JSONValue {
            let shares = steps.split(separator: ",").map { Int64($0) }
            guard !shares.contains(nil) else {
                throw ValidationError("--canary must be percentages with commas between")
            }
            var canary: [(String, JSONValue)] = [("steps", .array(shares.compactMap { $0.map(JSONValue.integer) }))]
            if let interval { canary.append(("interval", .number(interval))) }
            if let maxErrorRate { canary.append(("max_error_rate", .number(maxErrorRate))) }
            return .object(JSONObject(canary))
        }
    }

    struct Rollback: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Undo a running canary, or go back to the version before the latest."
        )
        @OptionGroup var connection: ConnectionOptions
        @Argument(help: "The model type.") var modelType: String

        func run() async throws {
            let path = "/models/\(self.modelType)/rollback"
            let answer = try await self.connection.client().send("POST", path, body: [:])
            print("\(self.modelType) is at \(answer.shown("latest")), epoch \(answer.shown("epoch"))")
        }
    }

    struct Retire: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give a version no new requests, wait for its last ones, and have it unloaded."
        )
        @OptionGroup var connection: ConnectionOptions
        @Argument(help: "The model type.") var modelType: String
        @Argument(help: "The version.") var version: String
        @Option(help: "Seconds its last requests are waited for.") var timeout: Double?

        func run() async throws {
            let answer = try await self.connection.client().send(
                "POST",
                "/models/\(self.modelType)/versions/\(self.version)/retire",
                body: .object(JSONObject(self.timeout.map { [("timeout", .number($0))] } ?? []))
            )
            print("\(self.modelType) \(self.version) is \(answer.shown("state")), epoch \(answer.shown("epoch"))")
        }
    }

    struct Alias: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Point an alias at a version, or take it away.")
        @OptionGroup var connection: ConnectionOptions
        @Argument(help: "The model type.") var modelType: String
        @Argument(help: "The alias.") var alias: String
        @Argument(help: "The version.") var version: String?
        @Flag(help: "Take the alias away.") var remove = false

        func validate() throws {
            guard self.remove == (self.version == nil) else { throw ValidationError("name a version, or --remove") }
        }

        func run() async throws {
            let client = try self.connection.client()
            let path = "/models/\(self.modelType)/aliases/\(self.alias)"
            let answer =
                if let version {
                    try await client.send("PUT", path, body: ["version": .string(version)])
                } else {
                    try await client.send("DELETE", path)
                }
            print("\(self.alias) of \(self.modelType) \(self.version ?? "removed"), epoch \(answer.shown("epoch"))")
        }
    }
}
