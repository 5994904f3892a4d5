import ClusterState
import ManagerTesting
import RedisClient
import Registry
import Testing

/// The doctor at a real Redis.
@Suite struct `An examination of Redis` {
    static func codes(_ redis: Redis, _ namespace: String) async throws -> [String] {
        let seen = try await StoreExaminer(redis: redis, namespace: namespace).examine()
        return StoreDoctor.findings(in: seen, library: ClusterState.library.name).map { "\($0.code) \($0.subject)" }
    }

    @Test func `finds nothing where a cluster lives, and what somebody broke`() async throws {
        let fixture = try await RedisFixture.start(["--appendonly", "yes"])
        try await fixture.withClient(library: ClusterState.library) { redis in
            #expect(try await Self.codes(redis, "t") == ["empty meta"])
            let state = ClusterState(redis: redis, namespace: "t")
            _ = try await state.open(heirOf: .none)
            _ = try await state.register(try Samples.definition("a", everything: true), source: .api, floor: .zero)
            _ = try await state.register(try Samples.definition("b"), source: .api, floor: .zero)
            _ = try await state.register(try Samples.definition("lstm"), source: .api, floor: .zero)
            try await Samples.join(state)
            #expect(try await Self.codes(redis, "t") == [])
            for words in [
                ["SET", state.keys.prefix + "notes", "x"], ["DEL", state.keys.log], ["SET", state.keys.log, "x"],
                ["DEL", state.keys.record(RecordKey(.service, "b"))], ["FUNCTION", "FLUSH"],
                ["CONFIG", "SET", "maxmemory-policy", "volatile-ttl"], ["EXPIRE", state.keys.leader, "1000"],
                ["SET", "mm:{other}:service:x", "not ours"],
            ] {
                _ = try await redis.send(words.map { RedisWord($0) })
            }
            let expected = [
                "eviction maxmemory-policy", "expires leader", "record_missing service:b", "wrong_type log",
                "functions_missing \(ClusterState.library.name)", "unknown_key notes",
            ]
            #expect(try await Self.codes(redis, "t") == expected)
        }
        await fixture.stop()
    }

    @Test func `judges what a user without CONFIG may see`() async throws {
        let fixture = try await RedisFixture.start()
        try await fixture.withClient { admin in
            _ = try await admin.send([
                "ACL", "SETUSER", "limited", "on", ">p", "~mm:*", "+@all", "-config", "-function",
            ])
        }
        try await fixture.withClient(configure: { ($0.user, $0.password) = ("limited", "p") }) { redis in
            let codes = try await Self.codes(redis, "t")
            #expect(codes.contains("settings_unreadable CONFIG"))
            #expect(codes.contains("functions_unreadable \(ClusterState.library.name)"))
        }
        await fixture.stop()
    }

    @Test func `reads a large cluster among foreign keys, in steps`() async throws {
        let fixture = try await RedisFixture.start()
        try await fixture.withClient { redis in
            let fill = """
                for i = 1, 3000 do
                    redis.call('SET', 'other' .. i, 'x')
                    redis.call('HSET', 'mm:{t}:service:s' .. i, 'service_url', 'http://h')
                    redis.call('ZADD', 'mm:{t}:services', i, 's' .. i)
                end
                redis.call('HSET', 'mm:{t}:meta', 'generation', 'g', 'count', 3000, 'sum', 3000 * 3001 / 2)
                """
            _ = try await redis.send(["EVAL", RedisWord(fill), "0"])
            let seen = try await StoreExaminer(redis: redis, namespace: "t").examine()
            #expect(seen.keys.count == 3002)
            #expect(seen.services.count == 3000)
            #expect(!seen.isCut)
            let codes = try await Self.codes(redis, "t")
            #expect(!codes.contains { $0.hasPrefix("orphan") || $0.hasPrefix("digest") }, "\(codes)")
        }
        await fixture.stop()
    }
}
