import ArgumentParser
import Registry

/// The registry from the shell.
struct ServicesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "services",
        abstract: "List, register, drain and remove services.",
        subcommands: [List.self, Register.self, Remove.self, Drain.self, Health.self],
        defaultSubcommand: List.self,
        aliases: ["svc"]
    )
}

extension ServicesCommand {
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show all services.")
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions
        @Option(help: "Only this model type.") var modelType: String?
        @Option(help: "Only healthy, unhealthy, unknown or draining ones.") var status: String?

        func run() async throws {
            let client = try self.connection.client()
            var services: [JSONValue] = []
            var after: String?
            repeat {
                let page = try await client.send("GET", self.path(after: after))
                services += page.list("services")
                after = page.shown("next") == "-" ? nil : page.shown("next")
            } while after != nil
            self.show(services)
        }

        private func path(after: String?) -> String {
            let filters = [
                ("limit", "1000"), ("model_type", self.modelType), ("status", self.status), ("after", after),
            ]
            return "/services?"
                + filters.compactMap { name, value in value.map { "\(name)=\($0)" } }.joined(separator: "&")
        }

        private func show(_ services: [JSONValue]) {
            guard self.output.output == .table else { return print(JSONValue.array(services).serialized(pretty: true)) }
            let rows = services.map { service in
                ["service_id", "model_type", "model_version", "status", "circuit_breaker", "in_flight"]
                    .map(service.shown) + [service.shownLimit, service.shown("service_url")]
            }
            print(
                TablePrinter.render(
                    ["SERVICE", "MODEL", "VERSION", "STATUS", "BREAKER", "IN-FLIGHT", "LIMIT", "URL"],
                    rows
                )
            )
        }
    }

    struct Register: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Register a service, or change one.")
        @OptionGroup var connection: ConnectionOptions
        @Argument(help: "Its id.") var serviceID: String
        @Argument(help: "Where it listens, such as http://127.0.0.1:8000.") var serviceURL: String
        @Option(help: "What it answers for, such as LSTM.") var modelType: String
        @Option(help: "Its version; default when absent.") var modelVersion: String?
        @Option(help: "Comma-separated.") var capabilities = "prediction"
        @Option(help: "Requests in flight at most; 0 is no limit.") var maxConcurrentRequests: Int?
        @Option(help: "Seconds a request may take.") var timeout: Double?
        @Option(help: "Share of traffic, 1 to 1000.") var weight: Int?

        func run() async throws {
            let answer = try await self.connection.client().send(
                "POST",
                "/services/register",
                body: .object(JSONObject(self.members))
            )
            print("\(self.serviceID) registered, epoch \(answer.shown("epoch"))")
        }

        private var members: [(String, JSONValue)] {
            var members: [(String, JSONValue)] = [
                ("service_id", .string(self.serviceID)), ("service_url", .string(self.serviceURL)),
                ("model_type", .string(self.modelType)),
                ("capabilities", .array(self.capabilities.split(separator: ",").map { .string(String($0)) })),
            ]
            if let modelVersion { members.append(("model_version", .string(modelVersion))) }
            if let maxConcurrentRequests {
                members.append(("max_concurrent_requests", .integer(Int64(maxConcurrentRequests))))
            }
            if let timeout { members.append(("timeout", .number(timeout))) }
            if let weight { members.append(("weight", .integer(Int64(weight)))) }
            return members
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Remove a service.")
        @OptionGroup var connection: ConnectionOptions
        @Argument(help: "Its id.") var serviceID: String
        @Flag(help: "After its last request.") var drain = false

        func run() async throws {
            let path = "/services/\(self.serviceID)" + (self.drain ? "?drain=true" : "")
            let answer = try await self.connection.client().send("DELETE", path)
            print("\(self.serviceID) removed, epoch \(answer.shown("epoch"))")
        }
    }

    struct Drain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Take a service out of rotation, or put it back.")
        @OptionGroup var connection: ConnectionOptions
        @Argument(help: "Its id.") var serviceID: String
        @Flag(help: "Put it back.") var undo = false

        func run() async throws {
            let answer = try await self.connection.client().send(
                self.undo ? "DELETE" : "POST",
                "/services/\(self.serviceID)/drain"
            )
            print("\(self.serviceID) \(self.undo ? "back in rotation" : "draining"), epoch \(answer.shown("epoch"))")
        }
    }

    struct Health: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show what is known of a service's health.")
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "Its id.") var serviceID: String
        @Flag(help: "Probe it now.") var probe = false

        func run() async throws {
            let path = "/services/\(self.serviceID)/health" + (self.probe ? "?probe=true" : "")
            let health = try await self.connection.client().send("GET", path)
            guard self.output.output == .table else { return print(health.serialized(pretty: true)) }
            let rows = health.list("instances").map { instance in
                ["url", "status", "last_check", "latency_ms", "checked_by", "error", "since"].map(instance.shown)
            }
            print("\(self.serviceID) is \(health.shown("status"))")
            print(TablePrinter.render(["URL", "STATUS", "LAST CHECK", "MS", "CHECKED BY", "ERROR", "SINCE"], rows))
        }
    }
}
