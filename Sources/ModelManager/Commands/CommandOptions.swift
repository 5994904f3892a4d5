import ArgumentParser
import Foundation

/// What every command that talks to a replica takes.
struct ConnectionOptions: ParsableArguments {
    @Option(help: "Any replica. Default: MODEL_MANAGER_URL, else http://127.0.0.1:8008.")
    var url: String?

    func client() throws -> APIClient {
        try APIClient(
            url: self.url ?? ProcessInfo.processInfo.environment["MODEL_MANAGER_URL"] ?? "http://127.0.0.1:8008"
        )
    }
}

/// How a command shows its data.
struct OutputOptions: ParsableArguments {
    enum Format: String, ExpressibleByArgument, CaseIterable { case table, json }

    @Option(name: [.customShort("o"), .long], help: "table or json.")
    var output: Format = .table
}
