internal import Glibc
public import Logging
public import ServiceLifecycle

/// The Redis of a replica that was given none: a child process on a Unix socket in the data directory.
///
/// What it promises:
/// - *Durable.* Each write is in the append-only file and synced to the disk before its reply, so neither SIGKILL nor a
///   power cut loses what was acknowledged. (`appendfsync everysec` would: while a sync is slow Redis puts off even the
///   write, and the reply overtakes it.) Nobody on the request path waits for it.
/// - *Never two on one directory.* Whoever holds the lock file owns the directory; a second manager is refused with the
///   name of the holder.
/// - *Never orphaned.* The kernel ends the child with us (`ServerProcess`); should one be left over nevertheless, it is
///   ended before a new one starts.
/// - *Restarted* with a growing pause when it dies, for as long as `run()` runs.
///
/// Making one takes the directory; `run()` starts the server. Let it begin before and end after all who use it.
public final class PrivateRedis: Service, Sendable {
    /// How to reach the server. It accepts connections a moment after `run()` began; clients try until it does.
    public let configuration: RedisConfiguration
    /// The data directory, absolute.
    public let directory: String
    private let program: ServerProgram
    /// Held for as long as this object lives.
    public let lock: DirectoryLock
    private let logger: Logger

    /// Takes the directory, which is made when it is missing, and finds a server.
    public init(
        directory: String,
        logger: Logger,
        searchPath: String? = nil
    ) throws(PrivateRedisError) {
        self.program = try ServerProgram.find(searchPath: searchPath)
        let directory = try DataDirectory.prepare(directory)
        self.lock = try DirectoryLock(directory: directory)
        self.directory = directory
        self.configuration = RedisConfiguration(address: .unixSocket(path: "\(directory)/\(DataDirectory.socket)"))
        self.logger = logger
    }

    /// Keeps a server running until cancelled or gracefully shut down; then ends it cleanly.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            await LeftoverServer.end(in: self.directory, logger: self.logger)
            await self.keepRunning()
        }
    }

    private func keepRunning() async {
        var pause = Self.pauseMin
        while !Task.isCancelled {
            let started = ContinuousClock.now
            await self.runOnce()
            guard !Task.isCancelled else { return }
            if ContinuousClock.now - started > Self.pauseMax { pause = Self.pauseMin }
            try? await Task.sleep(for: pause)
            pause = min(pause * 2, Self.pauseMax)
        }
    }

    /// Starts the server and returns when it has ended, by itself or because this task was cancelled.
    private func runOnce() async {
        do throws(PrivateRedisError) {
            let process = try await ServerProcess.start(
                self.program.path,
                Self.arguments,
                directory: self.directory,
                log: DataDirectory.log
            )
            self.logger.info(
                "private redis started",
                metadata: ["mm.redis.pid": "\(process.pid)", "mm.redis.version": "\(self.program.version)"]
            )
            await withTaskGroup { group in
                group.addTask { await self.awaitEnd(of: process) }
                group.addTask { await self.keepLogBounded() }
                await group.next()
                group.cancelAll()
            }
        } catch {
            self.logger.error("private redis cannot be started", metadata: ["mm.reason": "\(error)"])
        }
    }

    private func awaitEnd(of process: ServerProcess) async {
        await withTaskCancellationHandler {
            await process.waitForExit()
        } onCancel: {
            process.beginStop(grace: Self.stopGrace)
        }
        guard !Task.isCancelled else { return }
        self.logger.error(
            "private redis ended, starting it again",
            metadata: [
                "mm.redis.pid": "\(process.pid)", "mm.redis.log": "\(self.directory)/\(DataDirectory.log)",
                "mm.reason": "\(self.reason(process))",
            ]
        )
    }

    /// What was written before a signal came has nothing to do with the end.
    private func reason(_ process: ServerProcess) -> String {
        guard let signal = process.endedBySignal else { return DataDirectory.lastLogLines(in: self.directory) }
        return "killed by signal \(signal)\(signal == SIGKILL ? ", as the kernel does when memory runs out" : "")"
    }

    private func keepLogBounded() async {
        repeat {
            DataDirectory.boundLog(in: self.directory)
        } while (try? await Task.sleep(for: .seconds(30))) != nil
    }

    private static let pauseMin = Duration.milliseconds(100)
    private static let pauseMax = Duration.seconds(5)
    private static let stopGrace = Duration.seconds(5)

    /// Relative paths: the server's working directory is the data directory, whatever characters that has.
    private static let arguments = [
        "--port", "0", "--unixsocket", DataDirectory.socket, "--unixsocketperm", "600", "--dir", ".",
        "--appendonly", "yes", "--appendfsync", "always", "--save", "", "--maxmemory-policy", "noeviction",
        "--loglevel", "warning", "--logfile", "", "--daemonize", "no",
    ]
}
