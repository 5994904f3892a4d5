import ArgumentParser

/// Whether this machine's replica is alive, for a container's health check: exit code 0 or 1, nothing else.
struct HealthcheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "healthcheck",
        abstract: "Exit with 0 when the replica answers its readiness check, else with 1."
    )
    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        guard let status = try? await self.connection.client().status("/health/ready"), status == 200 else {
            throw ProgramExit.failed.saying("not ready")
        }
    }
}
