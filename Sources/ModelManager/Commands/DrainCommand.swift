import ArgumentParser
import Foundation
import RedisClient

/// Has this machine's replica leave, as SIGTERM does, and waits until it has: for what runs before a container is
/// stopped. It is found by its data directory. One that leaves already is not told again, for a second signal cuts what
/// it has in hand.
struct DrainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain",
        abstract: "Have this machine's replica leave as SIGTERM does, and wait until it has.",
        discussion: """
            Exit codes: 0 it has left, 69 no replica runs with this data directory, 75 it has not left within --wait.
            To take a service out of rotation: model-manager services drain.
            """
    )
    @Option(help: "Seconds to wait; 0 tells it to leave and does not wait.") var wait = 70.0
    @Option(help: "The replica's data directory. Default: DATA_DIR, else .model-manager.") var dataDir: String?

    func validate() throws {
        guard self.wait >= 0, self.wait <= Self.waitMax else {
            throw ValidationError("--wait: '\(self.wait)' is not a number of seconds from 0 to \(Int(Self.waitMax))")
        }
    }

    func run() async throws {
        let variable = ProcessInfo.processInfo.environment["DATA_DIR"] ?? ""
        let directory = self.dataDir ?? (variable.isEmpty ? ".model-manager" : variable)
        guard let holder = DirectoryLock.holder(of: directory) else {
            throw ProgramExit.unreachable.saying("no replica runs with the data directory \(directory)")
        }
        if !holder.isLeaving, kill(holder.process, SIGTERM) != 0 {
            let reason = String(cString: strerror(errno))
            throw ProgramExit.failed.saying("cannot signal the process \(holder.process): \(reason)")
        }
        let deadline = ContinuousClock.now + .seconds(self.wait)
        while self.wait > 0, DirectoryLock.holder(of: directory)?.process == holder.process {
            guard ContinuousClock.now < deadline else {
                throw ProgramExit.tryAgainLater.saying("the process \(holder.process) is still leaving")
            }
            try await Task.sleep(for: Self.pollInterval)
        }
    }

    private static let waitMax = 86_400.0
    private static let pollInterval = Duration.milliseconds(50)
}
