import Glibc
import ManagerTesting
import Testing

@testable import RedisClient

/// A server that dies, pauses or goes silent.
@Suite(.timeLimit(.minutes(5))) struct `When a Redis server fails` {
    @Test func `what is under way fails as unknown, what follows at once, and the client comes back`() async throws {
        let fixture = try await RedisFixture.start()
        try await fixture.withClient { redis in
            async let first = failure { try await redis.send(["BLPOP", "list", "0"], within: .seconds(30)) }
            async let second = failure { try await redis.send(["PING"], within: .seconds(30)) }
            try await fixture.withClient { admin in
                try await becomesTrue {
                    try await admin.send(["INFO", "clients"]).string?.contains("blocked_clients:1") == true
                }
            }
            fixture.signal(SIGKILL)
            #expect(await first?.code == .connectionLost)
            #expect(await first?.isOutcomeUnknown == true)
            #expect([.connectionLost, .notConnected].contains(await second?.code))
            try await becomesTrue { !redis.state.isConnected }
            let refused = await failure { try await redis.send(["PING"], within: .seconds(30)) }
            #expect(refused?.code == .notConnected)
            #expect(refused?.isOutcomeUnknown == false)
            try await fixture.launchAgain()
            try await redis.waitConnected(within: .seconds(60))
            try await #expect(redis.send(["PING"]).string == "PONG")
        }
        await fixture.stop()
    }

    @Test func `a pause costs a command its deadline and no later one a wrong reply`() async throws {
        let fixture = try await RedisFixture.start()
        try await fixture.withClient {
            $0.lateReplyMax = .seconds(20)
        } _: { redis in
            fixture.signal(SIGSTOP)
            let late = await failure { try await redis.send(["ECHO", "late"], within: .milliseconds(100)) }
            fixture.signal(SIGCONT)
            #expect(late?.code == .deadlineExceeded)
            #expect(late?.isOutcomeUnknown == true)
            let next = try await redis.send(["ECHO", "next"])
            #expect(next.string == "next")
            #expect(redis.state.isConnected)
        }
        await fixture.stop()
    }

    @Test func `a silence ends the connection`() async throws {
        let fixture = try await RedisFixture.start()
        let redis = fixture.client { configuration in
            configuration.lateReplyMax = .milliseconds(100)
            configuration.heartbeatInterval = .milliseconds(100)
            configuration.connectTimeout = .milliseconds(200)
        }
        try await redis.whileRunning { redis in
            try await becomesTrue { redis.state.isConnected }
            fixture.signal(SIGSTOP)
            try await becomesTrue { !redis.state.isConnected }
            fixture.signal(SIGCONT)
            try await becomesTrue { await failure { try await redis.send(["PING"]) } == nil }
        }
        await fixture.stop()
    }

    @Test func `a blocking read that misses its deadline ends its connection`() async throws {
        let fixture = try await RedisFixture.start()
        try await fixture.withClient(purpose: .blockingReads) { redis in
            let reply = try await redis.send(["BLPOP", "list", "0.05"], within: .seconds(5))
            #expect(reply == .null)
            let late = await failure { try await redis.send(["BLPOP", "list", "0"], within: .milliseconds(100)) }
            #expect(late?.code == .deadlineExceeded)
            try await becomesTrue { (try? await redis.send(["PING"]).string) == "PONG" }
            try await becomesTrue {
                try await redis.send(["INFO", "clients"]).string?.contains("blocked_clients:0") == true
            }
        }
        await fixture.stop()
    }

    @Test func `a cancelled caller is let go`() async throws {
        let fixture = try await RedisFixture.start()
        try await fixture.withClient(purpose: .blockingReads) { redis in
            let waiting = Task { await failure { try await redis.send(["BLPOP", "list", "0"], within: .seconds(50)) } }
            try await fixture.withClient { admin in
                try await becomesTrue {
                    try await admin.send(["INFO", "clients"]).string?.contains("blocked_clients:1") == true
                }
            }
            waiting.cancel()
            #expect(await waiting.value?.code == .cancelled)
            let early = await failure {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await redis.send(["PING"])
            }
            #expect(early?.code == .cancelled)
            #expect(early?.isOutcomeUnknown == false)
        }
        await fixture.stop()
    }

    @Test func `a data set that is being loaded is waited for`() async throws {
        let fixture = try await RedisFixture.start()
        try await fixture.withClient { redis in
            let fill = "for i = 1, 3000 do redis.call('SET', 'key' .. i, string.rep('x', 100)) end"
            _ = try await redis.send(["EVAL", RedisWord(fill), "0"])
            _ = try await redis.send(["SAVE"])
        }
        fixture.signal(SIGKILL)
        await fixture.waitForExit()
        try await fixture.launchAgain(["--key-load-delay", "300", "--loading-process-events-interval-bytes", "1024"])
        try await fixture.client().whileRunning { redis in
            try await becomesTrue { redis.state.reason?.code == .loading }
            try await redis.waitConnected(within: .seconds(20))
            try await #expect(redis.send(["DBSIZE"]).integer == 3000)
        }
        await fixture.stop()
    }

    @Test func `a full server is tried again until there is room`() async throws {
        let fixture = try await RedisFixture.start(["--maxclients", "1"])
        let second = fixture.client()
        try await withThrowingTaskGroup(of: Void.self) { group in
            try await fixture.withClient { _ in
                group.addTask { try await second.run() }
                try await becomesTrue { second.state.reason?.code == .tooManyClients }
            }
            try await second.waitConnected(within: .seconds(20))
            try await #expect(second.send(["PING"]).string == "PONG")
            group.cancelAll()
        }
        await fixture.stop()
    }
}
