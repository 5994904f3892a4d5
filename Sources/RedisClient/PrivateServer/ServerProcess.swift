import Glibc
import NIOCore
import NIOPosix
import Synchronization

/// A child process that cannot outlive its parent.
///
/// The kernel sends it SIGKILL when the parent is gone (`PR_SET_PDEATHSIG`, set by util-linux' `setpriv`), however the
/// parent ended. Two traps make this more than one call. The kernel means the parent *thread*, so the child is started
/// by a thread that then waits for it and does nothing else. And the parent may die before the request is in place, so
/// the child looks, after it is, whether its parent is still the one that started it.
/// The child has a process group of its own: Ctrl-C at a terminal reaches the parent alone, which ends its child when
/// it no longer needs it. It inherits no open file but those it is given.
public final class ServerProcess: Sendable {
    public let pid: Int32
    private let exit: Mutex<Exit>
    private let thread: NIOThreadPool

    private enum Exit {
        case running([CheckedContinuation<Void, Never>])
        case ended(signal: Int32?)
    }

    private init(pid: Int32, thread: NIOThreadPool) {
        self.pid = pid
        self.thread = thread
        self.exit = Mutex(.running([]))
    }

    /// Starts `program` in `directory`, output appended to the file `log` there.
    public static func start(
        _ program: String,
        _ arguments: [String],
        directory: String,
        log: String
    ) async throws(PrivateRedisError) -> ServerProcess {
        guard let setpriv = ServerProgram.locate("setpriv") else {
            throw PrivateRedisError(
                .spawnFailed,
                "setpriv (util-linux) not found: a private Redis needs it to end with us"
            )
        }
        let parent = String(getpid())
        let guardian = [setpriv, "--pdeathsig", "KILL", "--", "/bin/sh", "-c", Self.checkParent, parent, directory]
        let words = guardian + [program] + arguments
        let thread = NIOThreadPool(numberOfThreads: 1)
        thread.start()
        do {
            let pid = try await thread.runIfActive {
                try Subprocess.spawn(words, output: "\(directory)/\(log)")
            }
            let process = ServerProcess(pid: pid, thread: thread)
            process.watch()
            return process
        } catch {
            thread.shutdownGracefully { _ in }
            throw error as? PrivateRedisError ?? PrivateRedisError(.spawnFailed, "cannot start \(program): \(error)")
        }
    }

    public var isRunning: Bool {
        self.exit.withLock { if case .running = $0 { true } else { false } }
    }

    /// The signal that ended it; nil while it runs, and when it ended by itself.
    public var endedBySignal: Int32? {
        self.exit.withLock { if case .ended(let signal) = $0 { signal } else { nil } }
    }

    /// Sends a signal; nothing happens when the process has ended (its number may belong to another one by then).
    public func signal(_ number: Int32) {
        self.exit.withLock { exit in
            if case .running = exit { _ = kill(self.pid, number) }
        }
    }

    /// Returns when the process has ended.
    public func waitForExit() async {
        await withCheckedContinuation { waiting in
            let hasEnded = self.exit.withLock { exit in
                guard case .running(let others) = exit else { return true }
                exit = .running(others + [waiting])
                return false
            }
            if hasEnded { waiting.resume() }
        }
    }

    /// Asks the process to end, and ends it by force after the grace. Also works in a cancelled task.
    public func stop(grace: Duration) async {
        self.beginStop(grace: grace)
        await self.waitForExit()
    }

    /// As `stop(grace:)`, without waiting for the end.
    public func beginStop(grace: Duration) {
        self.signal(SIGTERM)
        MultiThreadedEventLoopGroup.singleton.any().scheduleTask(in: TimeAmount(grace)) { self.signal(SIGKILL) }
    }

    /// Occupies the thread until the child has ended. The child is only reaped under the lock, after which `signal`
    /// leaves its number alone.
    private func watch() {
        self.thread.submit { _ in
            Subprocess.awaitEnd(of: self.pid)
            let waiting = self.exit.withLock { exit -> [CheckedContinuation<Void, Never>] in
                let signal = Subprocess.reap(self.pid)
                guard case .running(let waiting) = exit else { return [] }
                exit = .ended(signal: signal)
                return waiting
            }
            for continuation in waiting { continuation.resume() }
            self.thread.shutdownGracefully { _ in }
        }
    }

    private static let checkParent = #"[ "$PPID" = "$0" ] && umask 077 && cd -- "$1" && shift && exec "$@""#
}
