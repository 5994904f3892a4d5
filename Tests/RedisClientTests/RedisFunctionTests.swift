import ManagerTesting
import RedisClient
import Testing

@Suite(.timeLimit(.minutes(5))) struct `A library of functions` {
    private static func library(answer: Int) -> RedisLibrary {
        let head = """
            #!lua name=trial
            -- The name is filled in by the program.
            local LIBRARY = 'trial'
            local function register(name, callback)
                redis.register_function(LIBRARY .. '_' .. name, callback)
            end
            """
        let body = """
            register('answer', function(keys, args)
                redis.call('INCR', keys[1])
                return { \(answer), args[1], keys[1] }
            end)
            """
        return RedisLibrary(base: "trial", parts: [Array(head.utf8), Array(body.utf8)])
    }

    @Test func `is loaded when it is missing, also after a flush`() async throws {
        let fixture = try await RedisFixture.start()
        try await fixture.withClient(library: Self.library(answer: 42)) { redis in
            for round in 1...3 as ClosedRange<Int64> {
                let reply = try await redis.call("answer", keys: ["key"], arguments: ["a\r\nb"])
                #expect(reply == .array([.integer(42), .text(Array("a\r\nb".utf8)), .text(Array("key".utf8))]))
                try await #expect(redis.send(["GET", "key"]).integer == round)
                _ = try await redis.send(["FUNCTION", "FLUSH"])
            }
        }
        await fixture.stop()
    }

    @Test func `is loaded once by many who miss it together`() async throws {
        let fixture = try await RedisFixture.start()
        try await fixture.withClient(library: Self.library(answer: 1)) { redis in
            try await withThrowingTaskGroup(of: RedisValue.self) { group in
                for _ in 0..<50 { group.addTask { try await redis.call("answer", keys: ["key"], arguments: [0]) } }
                for try await reply in group { #expect(reply.array?.first == .integer(1)) }
            }
            try await #expect(redis.send(["GET", "key"]).integer == 50)
            try await #expect(redis.send(["FUNCTION", "LIST"]).array?.count == 1)
        }
        await fixture.stop()
    }

    @Test func `stands beside another version of itself`() async throws {
        let fixture = try await RedisFixture.start()
        try await fixture.withClient(library: Self.library(answer: 1)) { older in
            try await fixture.withClient(library: Self.library(answer: 2)) { newer in
                for _ in 0..<2 {
                    let replies = try await [
                        older.call("answer", keys: ["key"], arguments: [0]),
                        newer.call("answer", keys: ["key"], arguments: [0]),
                    ]
                    #expect(replies.map { $0.array?.first } == [.integer(1), .integer(2)])
                }
            }
        }
        await fixture.stop()
    }

    @Test func `has a name that follows its content`() {
        let (one, same, other) = (Self.library(answer: 1), Self.library(answer: 1), Self.library(answer: 2))
        #expect(one == same)
        #expect(one.name != other.name)
        #expect(one.name.wholeMatch(of: /trial_[0-9a-f]{16}/) != nil)
        #expect(String(decoding: one.source, as: UTF8.self).hasPrefix("#!lua name=\(one.name)\n"))
        #expect(one.functionName("put") == "\(one.name)_put")
    }

    @Test func `without a function of that name fails as missing, and the connection stays`() async throws {
        let fixture = try await RedisFixture.shared()
        try await fixture.withClient(library: Self.library(answer: 3)) { redis in
            let error = await failure { try await redis.call("absent", keys: [], arguments: []) }
            #expect(error?.code == .functionMissing)
            #expect(redis.state.isConnected)
        }
    }
}
