import Foundation
import Synchronization

/// A program started by a test, which cannot outlive the test: a watcher kills it when the pipe to this process closes,
/// even if this process was killed.
public final class RunningProgram: Sendable {
    public let pid: Int32
    public let name: String
    private let process: Mutex<ProcessBox>
    private let output: OutputLog
    private let errors: OutputLog

    private struct ProcessBox: @unchecked Sendable { var process: Process }

    public struct StartFailure: Error, CustomStringConvertible {
        public var description: String

        public init(description: String) {
            self.description = description
        }
    }

    /// Starts a program and waits for a line of its standard output that begins with `ready`, if asked to.
    public static func start(
        _ path: String,
        _ arguments: [String],
        environment: [String: String] = [:],
        directory: String? = nil,
        waitsForReady: Bool = true,
        within: Duration = .seconds(60)
    ) async throws -> RunningProgram {
        let program = try await RunningProgram(path, arguments, environment: environment, directory: directory)
        guard waitsForReady else { return program }
        guard try await program.line(beginning: "ready ", within: within) != nil else {
            program.signal(SIGKILL)
            throw StartFailure(
                description:
                    "\(path) was not ready within \(within):\n\(program.standardOutput)\(program.standardError)"
            )
        }
        return program
    }

    /// The shell's first line of output is the program's own process id; then it becomes the watcher.
    /// It waits with the shell's own `read`: a child of it would outlive it and keep `Process` from noticing the end.
    /// And it is ended with KILL: what is spawned from a worker thread of Dispatch inherits a mask that blocks TERM.
    private static let watcher = """
        exec 3<&0
        "$@" </dev/null 3<&- &
        pid=$!
        echo "pid $pid"
        { read -r _ <&3; kill -KILL $pid; } >/dev/null 2>&1 &
        watch=$!
        wait $pid
        status=$?
        kill -KILL $watch 2>/dev/null
        exit $status
        """

    private init(_ path: String, _ arguments: [String], environment: [String: String], directory: String?) async throws
    {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/bash")
        process.arguments = ["-c", Self.watcher, "watcher", path] + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        if let directory { process.currentDirectoryURL = URL(filePath: directory) }
        let (output, errors) = (Pipe(), Pipe())
        (process.standardInput, process.standardOutput, process.standardError) = (Pipe(), output, errors)
        self.output = OutputLog(output.fileHandleForReading)
        self.errors = OutputLog(errors.fileHandleForReading)
        try process.run()
        self.process = Mutex(ProcessBox(process: process))
        self.name = URL(filePath: path).lastPathComponent
        guard let line = try await self.output.line(within: .seconds(60), where: { $0.hasPrefix("pid ") }),
            let pid = Int32(line.dropFirst(4))
        else {
            throw StartFailure(description: "\(path) did not start")
        }
        self.pid = pid
    }

    deinit {
        self.signal(SIGKILL)
    }

    public var standardOutput: String { self.output.text }
    public var standardError: String { self.errors.text }

    /// The address in the program's `ready` line.
    public var url: String {
        let ready = self.output.text.split(separator: "\n").first { $0.hasPrefix("ready ") } ?? ""
        return ready.split(separator: " ").first { $0.hasPrefix("url=") }.map {
            String($0.dropFirst(4)).replacing("0.0.0.0", with: "127.0.0.1")
        } ?? ""
    }

    public func line(beginning start: String, within: Duration) async throws -> String? {
        try await self.output.line(within: within) { $0.hasPrefix(start) }
    }

    public func errorLine(containing part: String, within: Duration) async throws -> String? {
        try await self.errors.line(within: within) { $0.contains(part) }
    }

    public func signal(_ number: Int32) {
        guard self.pid > 0, self.process.withLock({ $0.process.isRunning }) else { return }
        kill(self.pid, number)
    }

    /// Stops it, and returns when all its threads have stopped: the signal alone is only on its way, and a request sent
    /// right after it may still be served. Goes on by `signal(SIGCONT)`.
    public func pause(within limit: Duration = .seconds(10)) async throws -> Bool {
        self.signal(SIGSTOP)
        return try await eventually(within: limit) { self.isPaused }
    }

    private var isPaused: Bool {
        let tasks = "/proc/\(self.pid)/task"
        guard let threads = try? FileManager.default.contentsOfDirectory(atPath: tasks), !threads.isEmpty else {
            return false
        }
        return threads.allSatisfy { thread in
            let line = (try? String(contentsOfFile: "\(tasks)/\(thread)/stat", encoding: .utf8)) ?? ""
            // The name before it may have blanks and brackets of its own.
            return line.split(separator: ")").last?.hasPrefix(" T") ?? false
        }
    }

    /// The exit code; 128 + signal when it was killed. Nil when it still runs after that time.
    ///
    /// What it wrote last is read by another thread and may come after its end: that is waited for, but not for ever,
    /// for a program that it had started may hold the pipe open.
    public func exitCode(within: Duration) async throws -> Int32? {
        let ended = try await eventually(within: within) { self.process.withLock { !$0.process.isRunning } }
        guard ended else { return nil }
        _ = try await happens(within: .seconds(5)) { self.output.isComplete && self.errors.isComplete }
        return self.process.withLock { $0.process.terminationStatus }
    }
}

/// What a program wrote, collected as it comes.
final class OutputLog: Sendable {
    private let collected = Mutex("")
    private let ended = Mutex(false)

    init(_ handle: FileHandle) {
        handle.readabilityHandler = { [weak self] handle in
            let data = handle.availableData
            if data.isEmpty { handle.readabilityHandler = nil }
            self?.collected.withLock { $0 += String(decoding: data, as: UTF8.self) }
            if data.isEmpty { self?.ended.withLock { $0 = true } }
        }
    }

    /// Nothing more will come.
    var isComplete: Bool { self.ended.withLock { $0 } }

    var text: String { self.collected.withLock { $0 } }

    func line(within: Duration, where matches: @escaping @Sendable (Substring) -> Bool) async throws -> String? {
        try await eventually(within: within) { self.find(matches) != nil } ? self.find(matches) : nil
    }

    /// Only whole lines count.
    private func find(_ matches: (Substring) -> Bool) -> String? {
        let text = self.text
        guard let end = text.lastIndex(of: "\n") else { return nil }
        return text[..<end].split(separator: "\n").first(where: matches).map(String.init)
    }
}
