internal import Decisions
public import Gateway
public import Logging
public import ServiceLifecycle

/// Keeps the tokens that services are shown in step with their file: servers that hand them out let them expire.
///
/// A file that is gone or broken is logged, and the tokens stay.
public actor ServiceTokensLoop: ServiceLifecycle.Service {
    private let path: String
    private let dataPlane: DataPlane
    private let time: LoopTime
    private let logger: Logger
    private var watch = FileWatch()

    /// A change is used after two to three of these.
    public static let tick: Duration = .milliseconds(500)

    public init(path: String, dataPlane: DataPlane, time: LoopTime = .system, logger: Logger) {
        self.path = path
        self.dataPlane = dataPlane
        self.time = time
        self.logger = logger
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await self.turn()
                try? await self.time.sleep(Self.tick)
            }
        }
    }

    private func turn() {
        switch self.watch.look(FileLabel.read(atPath: self.path)) {
        case .nothing: break
        case .reportGone: self.logger.warning("the file of tokens is gone; the tokens stay", metadata: self.metadata)
        case .read:
            do throws(ServicesFileProblem) {
                self.dataPlane.setTokens(try ServiceTokensFile.read(atPath: self.path))
            } catch {
                var metadata = self.metadata
                metadata["mm.problem"] = "\(error)"
                self.logger.error("the file of tokens is refused; the tokens stay", metadata: metadata)
            }
        }
    }

    private var metadata: Logger.Metadata { ["mm.file": "\(self.path)"] }
}
