import ArgumentParser

/// What the service is.
struct ServiceOptions: ParsableArguments {
    @Option(help: "The address to listen on.")
    var host = "127.0.0.1"

    @Option(help: "The port to listen on; 0 picks a free one.")
    var port = 0

    @Option(help: "The instance's name in its answers.")
    var name = "demo"

    @Option(help: "What it forecasts as: LSTM, LSTM_MULTISTEP (takes a horizon), any other name, or any.")
    var modelType = "LSTM"

    @Option(help: "The versions it starts with, separated by commas; the first one is its latest.")
    var versions = "v1"

    @Option(help: "The capabilities it names, separated by commas.")
    var capabilities = "training,prediction"

    @Option(help: "Where the first weights come from.")
    var seed: UInt64 = 1

    func configuration(faults: FaultSettings) throws -> ServiceConfiguration {
        let versions = Self.list(self.versions)
        guard !versions.isEmpty, versions.count <= ModelShelf.versionsMax, Set(versions).count == versions.count else {
            throw ValidationError(
                "--versions '\(self.versions)': name 1 to \(ModelShelf.versionsMax) different versions"
            )
        }
        if let wrong = versions.first(where: { !VersionName.allows($0) }) {
            throw ValidationError("--versions: '\(wrong)' is not a name like \(VersionName.pattern)")
        }
        guard VersionName.allows(self.modelType) else {
            throw ValidationError("--model-type: '\(self.modelType)' is not a name like \(VersionName.pattern)")
        }
        guard (0...65_535).contains(self.port) else { throw ValidationError("--port \(self.port): 0 to 65535") }
        return ServiceConfiguration(
            name: self.name,
            modelType: self.modelType,
            versions: versions,
            capabilities: Self.list(self.capabilities),
            host: self.host,
            port: self.port,
            seed: self.seed,
            faults: faults
        )
    }

    private static func list(_ text: String) -> [String] { text.split(separator: ",").map(String.init) }
}
