import ArgumentParser
import Registry

extension ModelsCommand {
    /// Live predictions recorded for replay in offline tests, from the shell.
    struct Recording: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Record live predictions of a model, to put them to another version with `models evaluate`.",
            discussion: """
                Nothing is recorded unless it is ordered. Kept are the bodies of native predictions that were answered well, for \
                seven days at most; `stop` forgets them.
                """,
            subcommands: [Start.self, Status.self, Stop.self]
        )
    }
}

extension ModelsCommand.Recording {
    struct Start: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Record a share of a model's live predictions, or change what is recorded."
        )
        @OptionGroup var connection: ConnectionOptions
        @Argument(help: "The model type.") var modelType: String
        @Option(help: "The share that is recorded, such as 0.01 for one of a hundred.") var share: Double
        @Option(help: "The newest so many are kept, 1000 at most.") var limit: Int64 = 1000

        func run() async throws {
            let answer = try await self.connection.client().send(
                "PUT",
                "/models/\(self.modelType)/recording",
                body: ["share": .number(self.share), "limit": .integer(self.limit)]
            )
            let shown = answer["recording"] ?? [:]
            print(
                "\(self.modelType): recording \(shown.shown("share")) of its predictions, the newest "
                    + "\(shown.shown("limit")), epoch \(answer.shown("epoch"))"
            )
        }
    }

    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show which share is recorded, how many are kept at most, and how many there are."
        )
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "The model type.") var modelType: String

        func run() async throws {
            let answer = try await self.connection.client().send("GET", "/models/\(self.modelType)/recording")
            guard self.output.output == .table else { return print(answer.serialized(pretty: true)) }
            let row = [self.modelType, answer.shown("share"), answer.shown("limit"), answer.shown("recorded")]
            print(TablePrinter.render(["MODEL", "SHARE", "LIMIT", "RECORDED"], [row]))
        }
    }

    struct Stop: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Record nothing any more, and forget what was recorded."
        )
        @OptionGroup var connection: ConnectionOptions
        @Argument(help: "The model type.") var modelType: String

        func run() async throws {
            let path = "/models/\(self.modelType)/recording"
            let answer = try await self.connection.client().send("DELETE", path)
            print("\(self.modelType): nothing is recorded, epoch \(answer.shown("epoch"))")
        }
    }
}
