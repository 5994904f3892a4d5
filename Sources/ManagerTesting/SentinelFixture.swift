import Foundation
import RedisClient
import Synchronization

/// A primary with replicas and the sentinels that watch them, all on loopback, for one test.
///
/// The sentinels are quick to judge (`downAfterMilliseconds`), so that a failover takes a second or two; and they may
/// make another one soon after it (twice `failover-timeout`).
public final class SentinelFixture: Sendable {
    public static let name = "mm-test"

    /// The first one is the primary at the beginning.
    public let servers: [RedisFixture]
    public let ports: [Int]
    public let sentinelPorts: [Int]
    private let sentinels: [ServerProcess]
    private let directory: String
    /// What the sentinels demand of those who ask them; nil when nothing.
    private let password: String?

    /// Returns when every sentinel knows all replicas and the other sentinels.
    public static func start(
        _ arguments: [String] = [],
        replicas: Int = 2,
        sentinels: Int = 3,
        password: String? = nil,
        downAfterMilliseconds: Int = 600
    ) async throws -> SentinelFixture {
        var servers: [(fixture: RedisFixture, port: Int)] = []
        for _ in 0...replicas {
            let primary = servers.first.map { ["--replicaof", "127.0.0.1", "\($0.port)"] } ?? []
            servers.append(
                try await RedisFixture.startListening { port in
                    ["--port", "\(port)", "--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"]
                        + primary + arguments
                }
            )
        }
        // Sentinels ask a primary for its replicas when they first meet it, and then only every ten seconds.
        let port = servers[0].port
        _ = try await eventually(within: .seconds(30)) {
            await RedisText.ask(port, "INFO replication").ranges(of: "state=online").count == replicas
        }
        var lines = ["sentinel down-after-milliseconds \(Self.name) \(downAfterMilliseconds)"]
        if let password { lines += ["requirepass \(password)"] }
        let fixture = try await SentinelFixture(servers, sentinels, password, lines)
        let didMeet = try await eventually(within: .seconds(30)) { await fixture.areComplete() }
        guard didMeet else { throw PrivateRedisError(.spawnFailed, "the sentinels do not find each other") }
        return fixture
    }

    private init(
        _ servers: [(fixture: RedisFixture, port: Int)],
        _ count: Int,
        _ password: String?,
        _ lines: [String]
    ) async throws {
        self.password = password
        self.servers = servers.map(\.fixture)
        self.ports = servers.map(\.port)
        self.directory = try TemporaryDirectory.make("sentinel")
        var (sentinels, ports): ([ServerProcess], [Int]) = ([], [])
        for number in 0..<count {
            let (process, port) = try await Self.startSentinel(
                "\(self.directory)/\(number)",
                ["sentinel monitor \(Self.name) 127.0.0.1 \(servers[0].port) \(count / 2 + 1)"] + lines
            )
            sentinels.append(process)
            ports.append(port)
        }
        self.sentinels = sentinels
        self.sentinelPorts = ports
    }

    public var url: String {
        "redis+sentinel://\(self.sentinelPorts.map { "127.0.0.1:\($0)" }.joined(separator: ","))/\(Self.name)"
    }

    /// The server that the first sentinel takes for the primary.
    public var primary: RedisFixture? {
        get async {
            let reply = await self.ask(self.sentinelPorts[0], "SENTINEL GET-MASTER-ADDR-BY-NAME \(Self.name)")
            return zip(self.ports, self.servers).first { reply.contains("\r\n\($0.0)\r\n") }?.1
        }
    }

    /// Tells the first sentinel to make a replica the primary, while the old one lives.
    public func failOver() async -> String {
        await self.ask(self.sentinelPorts[0], "SENTINEL FAILOVER \(Self.name)")
    }

    private func ask(_ port: Int, _ line: String) async -> String {
        await RedisText.ask(port, (self.password.map { "AUTH \($0)\r\n" } ?? "") + line)
    }

    public func stop() async {
        for process in self.sentinels { await process.stop(grace: .zero) }
        for server in self.servers { await server.stop() }
        TemporaryDirectory.remove(self.directory)
    }

    private func areComplete() async -> Bool {
        for port in self.sentinelPorts {
            let reply = await self.ask(port, "SENTINEL MASTER \(Self.name)")
            guard reply.contains("num-slaves\r\n$1\r\n\(self.servers.count - 1)"),
                reply.contains("num-other-sentinels\r\n$1\r\n\(self.sentinels.count - 1)")
            else { return false }
        }
        return true
    }

    private static func startSentinel(
        _ directory: String,
        _ lines: [String]
    ) async throws -> (ServerProcess, Int) {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let program = try ServerProgram.find()
        for _ in 0..<5 {
            let port = try UnusedPort.find()
            let text = ["port \(port)", "bind 127.0.0.1"]
            let file = "\(directory)/sentinel.conf"
            let more = ["sentinel failover-timeout \(Self.name) 2500", "sentinel parallel-syncs \(Self.name) 2"]
            try (text + lines + more).joined(separator: "\n").write(toFile: file, atomically: true, encoding: .utf8)
            let arguments = ["sentinel.conf", "--sentinel"]
            let process = try await ServerProcess.start(program.path, arguments, directory: directory, log: "log")
            let isUp = try await eventually(within: .seconds(10)) {
                let answer = await RedisText.ask(port, "PING")
                return !process.isRunning || answer.hasPrefix("+PONG") || answer.hasPrefix("-NOAUTH")
            }
            if isUp, process.isRunning { return (process, port) }
        }
        throw PrivateRedisError(.spawnFailed, "a sentinel does not start: see \(directory)/log")
    }
}
