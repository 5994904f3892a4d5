import Foundation
import Glibc
import Logging
import ManagerTesting
import NIOPosix
import Testing

@testable import RedisClient

@Suite(.timeLimit(.minutes(5))) struct `A private Redis` {
    private let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    @Test func `keeps its data over a clean restart`() async throws {
        let directory = try TemporaryDirectory.make("private")
        try await self.running(in: directory) { redis in
            _ = try await redis.send(["SET", "key", "value"])
        }
        #expect(LeftoverServer.find(in: directory).isEmpty)
        try await self.running(in: directory) { redis in
            try await #expect(redis.send(["GET", "key"]).string == "value")
        }
    }

    @Test func `does not refuse its folder to an owner because somebody looks whose it is`() async throws {
        let directory = try TemporaryDirectory.make("looked-at") as String
        async let looking: Void = NIOThreadPool.singleton.runIfActive {
            for _ in 0..<20_000 { _ = DirectoryLock.holder(of: directory) }
        }
        for _ in 0..<1000 { _ = try DirectoryLock(directory: directory) }
        try await looking
        let lock = try DirectoryLock(directory: directory)
        #expect(DirectoryLock.holder(of: directory) == DirectoryLock.Holder(process: getpid(), isLeaving: false))
        lock.noteLeaving()
        #expect(DirectoryLock.holder(of: directory)?.isLeaving == true)
        #expect(throws: PrivateRedisError.self) { _ = try DirectoryLock(directory: directory) }
    }

    @Test func `comes back with all it acknowledged when it is killed`() async throws {
        let directory = try TemporaryDirectory.make("private")
        try await self.running(in: directory) { redis in
            for round in 1...3 as ClosedRange<Int64> {
                let first = try #require(LeftoverServer.find(in: directory).first)
                for _ in 0..<20 { _ = try await redis.send(["INCR", "count"]) }
                kill(first, SIGKILL)
                try await becomesTrue { LeftoverServer.find(in: directory).first.map { $0 != first } ?? false }
                try await becomesTrue { (try? await redis.send(["GET", "count"]).integer) == round * 20 }
            }
        }
    }

    @Test func `says how it ended, and its last words only when it ended by itself`() async throws {
        let directory = try TemporaryDirectory.make("private")
        let log = LogCapture()
        @Sendable func reason() -> String? {
            log.entries.last { $0.message.contains("private redis ended") }?.metadata["mm.reason"]
        }
        try await self.running(in: directory, logger: log.logger()) { redis in
            let first = try #require(LeftoverServer.find(in: directory).first)
            kill(first, SIGKILL)
            try await becomesTrue { reason()?.contains("killed by signal 9") == true }
            try await becomesTrue { (try? await redis.send(["PING"])) != nil }
            let second = try #require(LeftoverServer.find(in: directory).first)
            kill(second, SIGTERM)
            try await becomesTrue { reason()?.contains("bye bye") == true }
        }
    }

    @Test func `does not outlive a parent that is killed`() async throws {
        let directory = try TemporaryDirectory.make("private")
        await #expect(processExitsWith: .signal(SIGKILL)) { [directory = directory as String] in
            let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            let server = try PrivateRedis(directory: directory, logger: logger)
            async let _ = server.run()
            let redis = Redis(
                configuration: server.configuration,
                group: MultiThreadedEventLoopGroup.singleton,
                logger: logger
            )
            async let _ = redis.run()
            try await redis.waitConnected(within: .seconds(60))
            _ = try await redis.send(["SET", "key", "written before the end"], within: .seconds(20))
            kill(getpid(), SIGKILL)
        }
        try await becomesTrue { LeftoverServer.find(in: directory).isEmpty }
        try await self.running(in: directory) { redis in
            try await #expect(redis.send(["GET", "key"]).string == "written before the end")
        }
    }

    @Test func `is out of reach of a terminal's interrupt, and nobody else may connect to it`() async throws {
        let directory = try TemporaryDirectory.make("private")
        try await self.running(in: directory) { _ in
            let pid = try #require(LeftoverServer.find(in: directory).first)
            #expect(getpgid(pid) == pid)
            var status = stat()
            #expect(stat("\(directory)/redis.sock", &status) == 0)
            #expect(status.st_mode & 0o777 == 0o600)
        }
    }

    @Test func `ends a server that an earlier manager left behind`() async throws {
        let directory = try TemporaryDirectory.make("private")
        let program = try ServerProgram.find()
        let leftover = try await ServerProcess.start(
            program.path,
            ["--port", "0", "--unixsocket", "redis.sock"],
            directory: directory,
            log: "redis.log"
        )
        try await becomesTrue { LeftoverServer.find(in: directory) == [leftover.pid] }
        try await self.running(in: directory) { redis in
            await leftover.waitForExit()
            try await becomesTrue {
                let reply = try? await redis.send(["CONFIG", "GET", "appendonly"])
                return reply?.array?.last?.string == "yes"
            }
        }
    }

    @Test func `refuses a directory that another one holds, and names the holder`() throws {
        let directory = try TemporaryDirectory.make("private")
        let holder = try PrivateRedis(directory: directory, logger: self.logger)
        let error = #expect(throws: PrivateRedisError.self) {
            try PrivateRedis(directory: directory, logger: self.logger)
        }
        #expect(error?.code == .directoryInUse)
        #expect(error?.message.contains("the process \(getpid())") == true)
        withExtendedLifetime(holder) {}
    }

    @Test func `makes its directory for nobody else`() throws {
        let directory = try TemporaryDirectory.make("private") + "/a/b"
        let server = try PrivateRedis(directory: directory, logger: self.logger)
        var status = stat()
        #expect(stat(server.directory, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o700)
    }

    @Test func `refuses a directory whose socket the system could not address`() throws {
        let directory = try TemporaryDirectory.make("private") + "/" + String(repeating: "long", count: 30)
        let error = #expect(throws: PrivateRedisError.self) {
            try PrivateRedis(directory: directory, logger: self.logger)
        }
        #expect(error?.code == .directoryUnusable)
        #expect(error?.message.contains("the system allows 107") == true)
    }

    @Test func `refuses a directory that is a file`() throws {
        let directory = try TemporaryDirectory.make("private")
        try #require(creat("\(directory)/file", 0o600) >= 0)
        let error = #expect(throws: PrivateRedisError.self) {
            try PrivateRedis(directory: "\(directory)/file/data", logger: self.logger)
        }
        #expect(error?.code == .directoryUnusable)
    }

    @Test(arguments: [
        ("exit 0", PrivateRedisError.Code.serverUnusable, "prints no version"),
        ("echo 'Redis server v=6.2.14 sha=0'", .serverUnusable, "version 6.2.14, needed is 7"),
        ("echo 'Server v=8.1.0 sha=0'", nil, ""),
    ])
    func `accepts servers of version 7 and newer only`(
        script: String,
        code: PrivateRedisError.Code?,
        text: String
    ) throws {
        let directory = try TemporaryDirectory.make("program")
        // Written by a process of its own: while this one has the file open, a child started by another test has it
        // open too, and a program that somebody can still write is not started ("Text file busy").
        let write = #"printf '#!/bin/sh\n%s\n' "$1" >"$2" && chmod 700 "$2""#
        _ = try Subprocess.output(of: "/bin/sh", ["-c", write, "write", script, "\(directory)/redis-server"])
        do throws(PrivateRedisError) {
            let program = try ServerProgram.find(searchPath: directory)
            #expect(code == nil)
            #expect(program.version == "8.1.0")
        } catch {
            #expect(error.code == code)
            #expect(error.message.contains(text))
        }
    }

    @Test func `is looked for nowhere but in the search path and in usr bin`() throws {
        #expect(ServerProgram.locate("surely-no-such-program", searchPath: "/bin:/nowhere") == nil)
        #expect(ServerProgram.locate("env", searchPath: nil) == "/usr/bin/env")
    }

    @Test func `empties a log that grew too large`() throws {
        let directory = try TemporaryDirectory.make("private")
        let path = "\(directory)/redis.log"
        let file = try #require(fopen(path, "w"))
        fputs(String(repeating: "x", count: 1024 * 1024) + "\nthe last line\n", file)
        fclose(file)
        #expect(DataDirectory.lastLogLines(in: directory) == "the last line", "no half lines")
        DataDirectory.boundLog(in: directory)
        var status = stat()
        #expect(stat(path, &status) == 0)
        #expect(status.st_size == 0)
    }

    @Test func `does not hold connections of ours open after we closed them`() async throws {
        let first = try await RedisFixture.start()
        try await first.withClient { _ in
            // Started while a connection is open, and alive when that is closed.
            let second = try await RedisFixture.start()
            let files = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(second.pid)/fd")
            let ours = Self.sockets(of: getpid()).intersection(Self.sockets(of: second.pid))
            #expect(!files.isEmpty)
            #expect(ours.isEmpty, "the child has sockets of its parent: \(ours)")
            await second.stop()
        }
        await first.stop()
    }

    /// The sockets that a process has open, by their inode.
    private static func sockets(of pid: Int32) -> Set<String> {
        let folder = "/proc/\(pid)/fd"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let targets = names.compactMap { try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\($0)") }
        return Set(targets.filter { $0.hasPrefix("socket:") })
    }

    /// Runs a private Redis and a client of it for as long as `body` takes, then ends both and waits for it.
    private func running(
        in directory: String,
        logger: Logger? = nil,
        _ body: (Redis) async throws -> Void
    ) async throws {
        let server = try PrivateRedis(directory: directory, logger: logger ?? self.logger)
        var configuration = server.configuration
        configuration.commandTimeout = .seconds(20)
        let redis = Redis(
            configuration: configuration,
            group: MultiThreadedEventLoopGroup.singleton,
            logger: self.logger
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            defer { group.cancelAll() }
            try await redis.whileRunning { redis in
                try await redis.waitConnected(within: .seconds(60))
                try await body(redis)
            }
        }
    }
}
