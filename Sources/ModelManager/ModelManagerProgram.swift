import ArgumentParser

/// The one executable: a replica (`serve`), and the same API from the shell.
@main
struct ModelManagerProgram: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model-manager",
        abstract: "The one door in front of many model services.",
        discussion: """
            Exit codes: 0 done, 1 failed, 64 wrong usage, 69 unreachable, 75 try again later, 78 wrong configuration.
            Data goes to standard output, everything else to standard error.
            """,
        version: ProgramVersion.text,
        subcommands: [
            ServeCommand.self, ServicesCommand.self, ModelsCommand.self, TrainCommand.self, ClusterCommand.self,
            RedisCommand.self, DrainCommand.self, HealthcheckCommand.self,
        ],
        helpNames: [.short, .long]
    )

    static func main() async {
        StandardStreams.fill()
        await Self.main(nil)
    }
}

enum ProgramVersion {
    static let text = "0.1.0"
}
