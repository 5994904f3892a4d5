import Glibc
import ManagerTesting
import Testing

@testable import RedisClient

/// A server that answers, but not with what was asked for.
@Suite(.timeLimit(.minutes(5))) struct `When Redis refuses` {
    @Test func `writes for want of memory, reads go on`() async throws {
        let fixture = try await RedisFixture.start(["--maxmemory", "3mb", "--maxmemory-policy", "noeviction"])
        try await fixture.withClient { redis in
            let text = RedisWord([UInt8](repeating: 120, count: 100_000))
            var error: RedisError?
            for number in 0..<100 as Range<Int64> where error == nil {
                error = await failure { try await redis.send(["SET", RedisWord(number), text]) }
            }
            #expect(error?.code == .outOfMemory)
            #expect(error?.code.refusesWrites == true)
            try await #expect(redis.send(["STRLEN", "0"]).integer == 100_000)
            #expect(redis.state.isConnected)
        }
        await fixture.stop()
    }

    @Test func `writes because it cannot persist, it is connected to and read from`() async throws {
        let fixture = try await RedisFixture.start()
        try await fixture.withClient { redis in
            // Not sooner: a server that still starts takes the folder for its data, and ends.
            mkdir("\(fixture.directory)/dump.rdb", 0o700)
            mkdir("\(fixture.directory)/dump.rdb/in-the-way", 0o700)
            _ = try await redis.send(["SET", "key", "value"])
            _ = try await redis.send(["CONFIG", "SET", "save", "3600 1"])
            _ = try await redis.send(["BGSAVE"])
            try await becomesTrue { await failure { try await redis.send(["SET", "a", "b"]) }?.code == .misconfigured }
            #expect(redis.state.isConnected)
        }
        try await fixture.withClient { redis in
            try await #expect(redis.send(["GET", "key"]).string == "value")
            #expect(await failure { try await redis.send(["SET", "a", "b"]) }?.code == .misconfigured)
        }
        await fixture.stop()
    }

    @Test func `writes because it became a replica, it is left until it is a primary again`() async throws {
        let fixture = try await RedisFixture.start()
        try await fixture.withClient { admin in
            let blocked = fixture.client(purpose: .blockingReads)
            try await fixture.withClient { redis in
                try await blocked.whileRunning { blocked in
                    try await blocked.waitConnected(within: .seconds(60))
                    async let unblocked = failure {
                        try await blocked.send(["XREAD", "BLOCK", "0", "STREAMS", "log", "$"], within: .seconds(30))
                    }
                    try await becomesTrue {
                        try await admin.send(["INFO", "clients"]).string?.contains("blocked_clients:1") == true
                    }
                    _ = try await admin.send(["REPLICAOF", "127.0.0.1", "1"])
                    #expect(await unblocked?.code == .unblocked)
                    let refused = await failure { try await redis.send(["SET", "a", "b"]) }
                    #expect(refused?.code == .readOnly)
                    try await becomesTrue { redis.state.reason?.code == .readOnly }
                    _ = try await admin.send(["REPLICAOF", "NO", "ONE"])
                    try await redis.waitConnected(within: .seconds(60))
                    try await #expect(redis.send(["SET", "a", "b"]).string == "OK")
                }
            }
        }
        await fixture.stop()
    }

    @Test func `everything because a script runs too long, it counts as down until it has ended`() async throws {
        let fixture = try await RedisFixture.start(["--busy-reply-threshold", "20"])
        try await fixture.withClient { redis in
            try await fixture.withClient { slow in
                let script = """
                    local function now() local t = redis.call('TIME'); return t[1] * 1000 + t[2] / 1000 end
                    local e = now() + 700; while now() < e do end
                    return 1
                    """
                async let ended = slow.send(["EVAL", RedisWord(script), "0"], within: .seconds(20))
                try await becomesTrue { await failure { try await redis.send(["PING"]) }?.code == .busy }
                #expect(try await ended.integer == 1)
                try await redis.waitConnected(within: .seconds(60))
                try await #expect(redis.send(["PING"]).string == "PONG")
            }
        }
        await fixture.stop()
    }

    @Test func `a missing or wrong password, it is tried again and the password is never told`() async throws {
        let fixture = try await RedisFixture.start(["--requirepass", "right-secret"])
        for password in [nil, "wrong-secret"] {
            try await fixture.client { $0.password = password }.whileRunning { redis in
                try await becomesTrue { redis.state.reason?.code == .noAuth }
                #expect("\(redis.state) \(redis.configuration)".contains("secret") == false)
                #expect(await failure { try await redis.send(["PING"]) }?.code == .notConnected)
            }
        }
        try await fixture.withClient {
            $0.password = "right-secret"
        } _: { redis in
            try await #expect(redis.send(["PING"]).string == "PONG")
        }
        await fixture.stop()
    }

    @Test func `a command to this user, the connection stays`() async throws {
        let fixture = try await RedisFixture.start()
        try await fixture.withClient { admin in
            _ = try await admin.send(["ACL", "SETUSER", "mm", "on", ">p@ss:w/rd", "~mm:*", "+@all", "-set", "-role"])
            _ = try await admin.send(["ACL", "SETUSER", "mm", "-client|setname"])
        }
        let url = "unix://mm:p%40ss%3Aw%2Frd@\(fixture.directory)/redis.sock?db=3"
        let limited = try RedisConfiguration(url: url)
        try await fixture.withClient {
            $0 = limited
            $0.clientName = "named"
            $0.commandTimeout = .seconds(5)
        } _: { redis in
            #expect(await failure { try await redis.send(["SET", "mm:a", "b"]) }?.code == .noPermission)
            #expect(await failure { try await redis.send(["GET", "other"]) }?.code == .noPermission)
            let inside = await failure { try await redis.send(["EVAL", "return redis.call('SET', 'mm:a', 1)", "0"]) }
            #expect(inside?.code == .noPermission)
            try await #expect(redis.send(["INCR", "mm:count"]).integer == 1)
            #expect(redis.state.isConnected)
        }
        try await fixture.withClient { admin in
            try await #expect(admin.send(pipeline: [["SELECT", "3"], ["GET", "mm:count"]]).last?.integer == 1)
        }
        await fixture.stop()
    }

    @Test func `a database that it does not have, the client says so`() async throws {
        let fixture = try await RedisFixture.shared()
        try await fixture.client { $0.database = 9999 }.whileRunning { redis in
            try await becomesTrue { redis.state.reason?.message.contains("SELECT was refused") == true }
        }
    }

    @Test func `a type, the key is not touched`() async throws {
        let fixture = try await RedisFixture.shared()
        let key = RedisWord(fixture.prefix())
        try await fixture.withClient { redis in
            _ = try await redis.send(["SET", key, "text"])
            #expect(await failure { try await redis.send(["HGET", key, "field"]) }?.code == .wrongType)
            try await #expect(redis.send(["GET", key]).string == "text")
        }
    }
}
