import Glibc
public import RedisClient
import Synchronization

/// A real `redis-server` for tests, on a Unix socket in a directory of its own, that ends with the test process however
/// that ends.
///
/// One server serves all tests of a process (`shared()`); they keep out of each other's way by key prefixes
/// (`prefix()`). A test that stops, fills or reconfigures its server starts one of its own (`start(_:)`) and ends it
/// with `stop()`.
public final class RedisFixture: Sendable {
    private static let sharedFixture = SharedFixture()
    private static let prefixes = Atomic<Int>(0)

    public let directory: String
    public let configuration: RedisConfiguration
    private let program: ServerProgram
    private let arguments: [String]
    private let running: Mutex<ServerProcess>

    /// The server of this test process; started by whoever asks first.
    public static func shared() async throws -> RedisFixture {
        try await self.sharedFixture.value()
    }

    /// A server for one test alone, with further arguments for `redis-server`, such as `["--maxmemory", "2mb"]`.
    public static func start(_ arguments: [String] = []) async throws -> RedisFixture {
        let program = try ServerProgram.find()
        let directory = try TemporaryDirectory.make("redis")
        let process = try await self.launch(program, arguments, directory)
        let fixture = RedisFixture(program: program, arguments: arguments, directory: directory, process: process)
        try await fixture.waitReady()
        return fixture
    }

    private init(program: ServerProgram, arguments: [String], directory: String, process: ServerProcess) {
        self.program = program
        self.arguments = arguments
        self.directory = directory
        self.configuration = RedisConfiguration(address: .unixSocket(path: "\(directory)/redis.sock"))
        self.running = Mutex(process)
    }

    /// A key prefix that no other test of this process uses, such as `test7`.
    public func prefix() -> String {
        "test\(Self.prefixes.wrappingAdd(1, ordering: .relaxed).newValue)"
    }

    /// `REDIS_URL` of this server.
    public var url: String { "unix://\(self.directory)/redis.sock" }

    public var pid: Int32 { self.process.pid }

    /// Sends the server a signal, such as `SIGSTOP`, `SIGCONT` or `SIGKILL`.
    public func signal(_ number: Int32) {
        self.process.signal(number)
    }

    /// Kills the server and starts it again in the same directory.
    public func restart() async throws {
        self.signal(SIGKILL)
        await self.process.waitForExit()
        try await self.launchAgain()
    }

    /// Starts the server again after it was killed, with further arguments.
    public func launchAgain(_ arguments: [String] = []) async throws {
        let process = try await Self.launch(self.program, self.arguments + arguments, self.directory)
        self.running.withLock { $0 = process }
        try await self.waitReady()
    }

    /// Returns when the server's process has ended.
    public func waitForExit() async {
        await self.process.waitForExit()
    }

    /// Ends the server and removes its directory.
    public func stop() async {
        self.signal(SIGKILL)
        await self.process.waitForExit()
        TemporaryDirectory.remove(self.directory)
    }

    private var process: ServerProcess { self.running.withLock { $0 } }

    private static func launch(
        _ program: ServerProgram,
        _ arguments: [String],
        _ directory: String
    ) async throws -> ServerProcess {
        let basics = [
            "--port", "0", "--unixsocket", "redis.sock", "--unixsocketperm", "600", "--save", "", "--loglevel",
            "warning",
        ]
        return try await ServerProcess.start(program.path, basics + arguments, directory: directory, log: "redis.log")
    }

    /// Runs `body` with a server that listens on a TCP port of loopback, too. The port is a free one when it is chosen;
    /// should somebody else take it before the server does, another one is.
    public static func startListening(
        _ arguments: (_ port: Int) throws -> [String]
    ) async throws -> (fixture: RedisFixture, port: Int) {
        for _ in 0..<5 {
            let port = try UnusedPort.find()
            if let fixture = try? await self.start(arguments(port)) { return (fixture, port) }
        }
        throw PrivateRedisError(.spawnFailed, "redis-server found no port to listen on")
    }

    /// Waits for the socket to accept: Redis makes it last, but before it has loaded its data.
    private func waitReady() async throws {
        let isUp = try await eventually(within: .seconds(5)) {
            !self.process.isRunning || UnixSocket.accepts("\(self.directory)/redis.sock")
        }
        if isUp, self.process.isRunning { return }
        throw PrivateRedisError(.spawnFailed, "redis-server does not start: see \(self.directory)/redis.log")
    }
}

/// Starts the shared server once, however many tests ask at the same time.
private actor SharedFixture {
    private var starting: Task<RedisFixture, any Error>?

    func value() async throws -> RedisFixture {
        if let starting { return try await starting.value }
        let starting = Task { try await RedisFixture.start() }
        self.starting = starting
        return try await starting.value
    }
}
