import Glibc
import Logging
import ManagerTesting
import NIOPosix
import Testing

@testable import RedisClient

/// Real servers, real sentinels.
@Suite(.serialized, .timeLimit(.minutes(5))) struct `With sentinels` {
    static func client(
        _ fixture: SentinelFixture,
        _ purpose: Redis.Purpose = .commands,
        library: RedisLibrary? = nil,
        url: String? = nil
    ) throws -> Redis {
        var configuration = try RedisConfiguration(url: url ?? fixture.url)
        configuration.commandTimeout = .seconds(5)
        configuration.connectTimeout = .seconds(3)
        return Redis(
            configuration: configuration,
            group: MultiThreadedEventLoopGroup.singleton,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            library: library,
            purpose: purpose
        )
    }

    static let library = RedisLibrary(
        base: "echo",
        parts: [
            Array(
                """
                #!lua name=echo
                local LIBRARY = 'echo'
                redis.register_function(LIBRARY .. '_say', function(keys, args)
                    redis.call('SET', keys[1], args[1])
                    return args[1]
                end)
                """.utf8
            )
        ]
    )

    @Test func `every connection follows the primary, asked for or killed, and brings its functions`() async throws {
        let fixture = try await SentinelFixture.start()
        let (commands, reads) = try (Self.client(fixture, library: Self.library), Self.client(fixture, .blockingReads))
        try await commands.whileRunning { _ in
            try await reads.whileRunning { _ in
                try await commands.waitConnected(within: .seconds(20))
                try await reads.waitConnected(within: .seconds(20))
                #expect(try await commands.call("say", keys: ["key"], arguments: ["one"]).string == "one")
                let first = try #require(await fixture.primary)

                // Killed, after the functions were taken from all of them.
                try await first.withClient { _ = try await $0.send(["FUNCTION", "FLUSH"]) }
                first.signal(SIGKILL)
                try await becomesTrue(within: .seconds(30)) {
                    (try? await commands.call("say", keys: ["key"], arguments: ["two"]).string) == "two"
                }
                // The sentinel that the test asks may hear of it later than the one that the client asked.
                try await becomesTrue(within: .seconds(30)) { await fixture.primary !== first }
                let second = try #require(await fixture.primary)
                try await Self.follows(commands, reads, second)

                // Asked for: the old primary lives on as a replica.
                try await becomesTrue(within: .seconds(30)) { await fixture.failOver().hasPrefix("+OK") }
                try await becomesTrue(within: .seconds(30)) { await fixture.primary !== second }
                try await Self.follows(commands, reads, try #require(await fixture.primary))
                #expect(try await commands.call("say", keys: ["key"], arguments: ["three"]).string == "three")
            }
        }
        await fixture.stop()
    }

    /// Both clients come to this server.
    static func follows(_ commands: Redis, _ reads: Redis, _ server: RedisFixture) async throws {
        let expected = try await server.withClient { try await $0.send(["INFO", "server"]).string.map(Self.runID) }
        for redis in [commands, reads] {
            try await becomesTrue(within: .seconds(30)) {
                (try? await redis.send(["INFO", "server"], within: .seconds(5)).string.map(Self.runID)) == expected
            }
        }
    }

    static func runID(_ information: String) -> String {
        information.split(whereSeparator: \.isNewline).first { $0.hasPrefix("run_id:") }.map(String.init) ?? ""
    }

    @Test func `passwords of sentinels and of the primary are two things, and a wrong name is said`() async throws {
        let fixture = try await SentinelFixture.start(replicas: 0, sentinels: 1, password: "sesame")
        let sentinel = "127.0.0.1:\(fixture.sentinelPorts[0])"
        for (url, code, reason) in [
            ("\(sentinel)/\(SentinelFixture.name)", RedisError.Code.noAuth, "?sentinel_password="),
            ("\(sentinel)/\(SentinelFixture.name)?sentinel_password=wrong", .noAuth, "refuses its password"),
            ("\(sentinel)/nobody?sentinel_password=sesame", .invalidConfiguration, "knows no primary 'nobody'"),
        ] {
            try await Self.client(fixture, url: "redis+sentinel://\(url)").whileRunning { redis in
                try await becomesTrue { redis.state.reason?.code == code }
                #expect(redis.state.reason?.message.contains(reason) == true)
            }
        }
        // A sentinel that nobody is at is passed over.
        let url = "redis+sentinel://127.0.0.1:1,\(sentinel)/\(SentinelFixture.name)?sentinel_password=sesame"
        try await Self.client(fixture, url: url).whileRunning { redis in
            try await redis.waitConnected(within: .seconds(20))
            try await #expect(redis.send(["PING"]).string == "PONG")
        }
        await fixture.stop()
    }
}
