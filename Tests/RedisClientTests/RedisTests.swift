import ManagerTesting
import RedisClient
import Testing

@Suite(.timeLimit(.minutes(5))) struct `A Redis client` {
    @Test func `sends a command and gets its reply`() async throws {
        let fixture = try await RedisFixture.shared()
        let key = RedisWord("\(fixture.prefix()):key")
        try await fixture.withClient { redis in
            try await #expect(redis.send(["SET", key, "\0\r\n$3"]) == .text(Array("OK".utf8)))
            try await #expect(redis.send(["GET", key]).string == "\0\r\n$3")
            try await #expect(redis.send(["GET", RedisWord("\(key):absent")]) == .null)
            try await #expect(redis.send(["STRLEN", key]) == .integer(5))
        }
    }

    @Test func `keeps error replies of a pipeline as values and throws that of a command`() async throws {
        let fixture = try await RedisFixture.shared()
        let key = RedisWord("\(fixture.prefix()):key")
        try await fixture.withClient { redis in
            let replies = try await redis.send(pipeline: [["SET", key, "text"], ["INCR", key], ["GET", key]])
            #expect(replies.count == 3)
            #expect(replies[2].string == "text")
            #expect(replies[1] == .error("ERR value is not an integer or out of range"))
            let error = await #expect(throws: RedisError.self) { try await redis.send(["INCR", key]) }
            #expect(error?.code == .wrongType)
            #expect(error?.isOutcomeUnknown == false)
        }
    }

    @Test func `gives each of many concurrent callers its own reply`() async throws {
        let fixture = try await RedisFixture.shared()
        try await fixture.withClient { redis in
            try await withThrowingTaskGroup(of: (Int64, Int64?).self) { group in
                for number in 0..<500 as Range<Int64> {
                    group.addTask { (number, try await redis.send(["ECHO", RedisWord(number)]).integer) }
                }
                for try await (sent, received) in group { #expect(sent == received) }
            }
        }
    }
}
