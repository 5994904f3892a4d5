import ArgumentParser
import Foundation

/// What every command that talks to a replica takes.
struct ConnectionOptions: ParsableArguments {
    @Option(help: "Any replica. Default: MODEL_MANAGER_URL, else this machine's, at API_PORT or 8008.")
    var url: String?

    func client() throws -> APIClient {
        let environment = ProcessInfo.processInfo.environment
        let local = "http://127.0.0.1:\(environment["API_PORT"] ?? "8008")"
        return try APIClient(url: self.url ?? environment["MODEL_MANAGER_URL"] ?? local)
    }
}

/// How a command shows its data.
struct OutputOptions: ParsableArguments {
    enum Format: String, ExpressibleByArgument, CaseIterable { case table, json }

    @Option(name: [.customShort("o"), .long], help: "table or json.")
    var output: Format = .table
}
