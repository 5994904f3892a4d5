import ArgumentParser
import Registry

/// The replicas, and why a request goes where it goes.
struct ClusterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster",
        abstract: "Show replicas, events, and why a request would go where.",
        subcommands: [Status.self, Events.self, Explain.self],
        defaultSubcommand: Status.self
    )
}

extension ClusterCommand {
    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show the replicas.")
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let cluster = try await self.connection.client().send("GET", "/cluster")
            guard self.output.output == .table else { return print(cluster.serialized(pretty: true)) }
            let rows = cluster.list("replicas").map { replica in
                ["replica_id", "role", "epoch"].map(replica.shown)
                    + [replica.shownSeconds("lease_expires_in")]
                    + ["in_flight", "started_at", "version"].map(replica.shown)
            }
            print(TablePrinter.render(["REPLICA", "ROLE", "EPOCH", "LEASE", "IN-FLIGHT", "STARTED", "VERSION"], rows))
            guard let leader = cluster["leader"], leader != .null else { return print("no leader now") }
            print("leader: \(leader.shown("replica_id")), term \(leader.shown("term"))")
        }
    }

    struct Events: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show what happened, the newest last.")
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions
        @Option(help: "Only events after this id; 0: from the oldest one kept.") var after: String?
        @Option(help: "At most so many.") var limit = 100

        func run() async throws {
            let path = "/events?limit=\(self.limit)" + (self.after.map { "&after=\($0)" } ?? "")
            let events = try await self.connection.client().send("GET", path)
            guard self.output.output == .table else { return print(events.serialized(pretty: true)) }
            let rows = events.list("events").map { event in
                ["at", "kind", "subject", "actor", "detail", "id"].map(event.shown)
            }
            print(TablePrinter.render(["AT", "KIND", "SUBJECT", "ACTOR", "DETAIL", "ID"], rows))
        }
    }

    struct Explain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show each instance and why it would or would not be picked."
        )
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "The model type.") var modelType: String
        @Option(help: "A version or an alias.") var modelVersion = "latest"
        @Option(help: "What the request needs.") var capability = "prediction"

        func run() async throws {
            let path =
                "/explain?model_type=\(self.modelType)&model_version=\(self.modelVersion)&capability=\(self.capability)"
            let explanation = try await self.connection.client().send("GET", path)
            guard self.output.output == .table else { return print(explanation.serialized(pretty: true)) }
            let rows = explanation.list("candidates").map { candidate in
                ["service_id", "instance", "eligible", "reasons"].map(candidate.shown)
            }
            print(TablePrinter.render(["SERVICE", "INSTANCE", "ELIGIBLE", "REASONS"], rows))
            guard let pick = explanation["would_pick"], pick != .null else { return print("would pick none") }
            print("would pick \(pick.shown("service_id")) at \(pick.shown("instance"))")
        }
    }
}
