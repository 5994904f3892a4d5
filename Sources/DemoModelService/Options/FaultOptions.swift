import ArgumentParser

/// How the service misbehaves from its start on; `POST /_fault` changes it while it runs.
struct FaultOptions: ParsableArguments {
    @Option(help: "Wait so many milliseconds before each answer.")
    var delayMs: Int?

    @Option(help: "Answer with this status instead of serving.")
    var status: Int?

    @Option(help: "Seconds for Retry-After, along with --status.")
    var retryAfter: Int?

    @Flag(help: "Never answer.")
    var hang = false

    @Option(help: "Reset the connection: before the answer or in its middle.")
    var reset: FaultSettings.Reset?

    @Flag(help: "Send half of the body, then close the connection.")
    var truncate = false

    @Option(help: "Send the body in pieces with so many milliseconds between them.")
    var dripMs: Int?

    @Option(help: "Share of requests that meet the fault, 0 to 1.")
    var share: Double?

    @Option(help: "The fault is over after so many answers.")
    var count: Int?

    @Option(help: "What GET /health does: ok, fail or hang.")
    var health: FaultSettings.Health?

    func settings() throws -> FaultSettings {
        let settings = FaultSettings(
            delayMilliseconds: self.delayMs,
            status: self.status,
            retryAfter: self.retryAfter,
            hang: self.hang ? true : nil,
            reset: self.reset,
            truncate: self.truncate ? true : nil,
            dripMilliseconds: self.dripMs,
            share: self.share,
            count: self.count,
            health: self.health
        )
        if let (key, allowed) = settings.complaint { throw ValidationError("\(key.rawValue): allowed is \(allowed)") }
        return settings
    }
}

extension FaultSettings.Reset: ExpressibleByArgument {}
extension FaultSettings.Health: ExpressibleByArgument {}
