import Foundation
import ManagerTesting
import Testing

/// One replica over a shared Redis that is away, talks nonsense or refuses: promise 6, seen from outside.
@Suite(.timeLimit(.minutes(5))) struct `With Redis in trouble` {
    struct Trouble: Sendable, CustomStringConvertible {
        let description: String
        let begin: @Sendable (ChaosProxy, _ port: Int) async -> Void
        let end: @Sendable (ChaosProxy, _ port: Int) async -> Void
    }

    static let troubles = [
        Trouble(description: "it is silent") { proxy, _ in
            proxy.set(.blackhole)
        } end: { proxy, _ in
            proxy.set(.passing)
        },
        Trouble(description: "it talks nonsense") { proxy, _ in
            proxy.set(.garbled)
        } end: { proxy, _ in
            proxy.set(.passing)
        },
        Trouble(description: "it takes no writes") { _, port in
            _ = await RedisText.ask(port, "CONFIG SET min-replicas-to-write 1")
        } end: { _, port in
            _ = await RedisText.ask(port, "CONFIG SET min-replicas-to-write 0")
        },
    ]

    @Test(arguments: troubles) func `predictions go on, changes are refused, and all is well afterwards`(
        trouble: Trouble
    ) async throws {
        let (redis, port) = try await RedisFixture.startListening { ["--port", "\($0)"] }
        let proxy = try await ChaosProxy.start(before: redis)
        let stub = try await StubUpstream.answering(StubUpstream.json(#"{"prediction": 1}"#))
        let replica = try await LocalReplica.start(["REDIS_URL": proxy.redisURL, "REPLICA_LEASE": "3"])
        defer { replica.manager.signal(SIGKILL) }
        let client = replica.client
        #expect(try await client.registers(Self.form("kept", stub.url)))
        await Self.becomes("healthy", client)

        await trouble.begin(proxy, port)
        var refused = try await Self.register("late", stub.url, client)
        for _ in 0..<10 where refused.status != 503 {  // one that was under way
            refused = try await Self.register("late", stub.url, client)
        }
        #expect(refused.headers["x-mm-error-code"] == "store_unavailable")
        #expect(refused.headers["retry-after"] != nil)
        #expect(try await replica.failures(in: 30) == [])
        await Self.becomes("degraded", client)
        #expect(try await eventually(within: .seconds(20)) { try await Self.predict(client).isStale })
        #expect(try await client.get("/services").headers["x-mm-stale"] != nil, "the other door says so too")
        #expect(try await client.get("/health/ready").status == 200)
        #expect(try await replica.failures(in: 30) == [])

        await trouble.end(proxy, port)
        await Self.becomes("healthy", client)
        #expect(try await eventually(within: .seconds(20)) { try await !Self.predict(client).isStale })
        #expect(try await client.registers(Self.form("late", stub.url)))
        #expect(try await replica.failures(in: 10) == [])
        await proxy.stop()
        await redis.stop()
        await stub.stop()
    }

    @Test func `what an emptied one has not been given back yet is not called unknown`() async throws {
        let (redis, port) = try await RedisFixture.startListening { ["--port", "\($0)"] }
        let stub = try await StubUpstream.answering(StubUpstream.json(#"{"prediction": 1}"#))
        let replica = try await LocalReplica.start(["REDIS_URL": redis.url])
        defer { replica.manager.signal(SIGKILL) }
        let client = replica.client
        #expect(try await client.registers(Self.form("kept", stub.url)))
        for weight in 1...3 {
            _ = await RedisText.ask(port, "FLUSHALL")
            let isChanged = try await eventually(within: .seconds(20)) {
                let moved = try await client.post("/models/LSTM/switch", #"{"version": "v9"}"#)
                #expect(!moved.body.contains("model_not_found"), "\(moved.body)")
                let answer = try await client.send("PATCH", "/services/kept", body: #"{"weight": \#(weight)}"#)
                #expect([200, 503].contains(answer.status), "\(answer.body)")
                return answer.status == 200
            }
            #expect(isChanged)
        }
        #expect(try await client.send("PATCH", "/services/unknown", body: #"{"weight": 1}"#).status == 404)
        await redis.stop()
        await stub.stop()
    }

    @Test func `a full one is named to callers, and once in the log`() async throws {
        let (redis, port) = try await RedisFixture.startListening { ["--port", "\($0)"] }
        let stub = try await StubUpstream.answering(StubUpstream.json(#"{"prediction": 1}"#))
        let replica = try await LocalReplica.start(["REDIS_URL": redis.url])
        defer { replica.manager.signal(SIGKILL) }
        let client = replica.client
        #expect(try await client.registers(Self.form("kept", stub.url)))
        _ = await RedisText.ask(port, "CONFIG SET maxmemory 1")
        for _ in 0..<3 {
            let refused = try await Self.register("late", stub.url, client)
            #expect(refused.status == 503)
            #expect(refused.headers["x-mm-error-code"] == "store_unavailable")
            #expect(refused.body.contains("Redis is full") && refused.body.contains("OOM"), "\(refused.body)")
            #expect(refused.body.contains("maxmemory") && refused.body.contains("redis doctor"))
        }
        let line = "redis is full"
        #expect(try await replica.manager.errorLine(containing: line, within: .seconds(20)) != nil)
        #expect(replica.manager.standardError.ranges(of: line).count == 1)
        #expect(try await replica.failures(in: 10) == [])
        _ = await RedisText.ask(port, "CONFIG SET maxmemory 0")
        #expect(try await client.registers(Self.form("late", stub.url)))
        await redis.stop()
        await stub.stop()
    }

    @Test func `one that grants too few rights at the start is named with what it said`() async throws {
        let (redis, port) = try await RedisFixture.startListening { ["--port", "\($0)"] }
        _ = await RedisText.ask(port, "ACL SETUSER default -fcall -fcall_ro")
        let replica = try await LocalReplica.start(["REDIS_URL": redis.url])
        defer { replica.manager.signal(SIGKILL) }
        let line = try await replica.manager.errorLine(containing: "cannot be followed yet", within: .seconds(30))
        #expect(line?.contains("NOPERM") == true, "\(replica.manager.standardError)")
        #expect(try await replica.client.get("/health/ready").status == 503)
        _ = await RedisText.ask(port, "ACL SETUSER default +@all")
        let isReady = try await eventually(within: .seconds(20)) {
            try await replica.client.get("/health/ready").status == 200
        }
        #expect(isReady)
        await redis.stop()
    }

    @Test func `a replica starts with what it kept on disk, and gives an empty Redis all of it`() async throws {
        let (redis, port) = try await RedisFixture.startListening { ["--port", "\($0)"] }
        let stub = try await StubUpstream.answering(StubUpstream.json(#"{"prediction": 1}"#))
        var replica = try await LocalReplica.start(["REDIS_URL": redis.url])
        #expect(try await replica.client.registers(Self.form("kept", stub.url)))
        replica.manager.signal(SIGTERM)
        #expect(try await replica.manager.exitCode(within: .seconds(30)) == 0)
        redis.signal(SIGKILL)
        await redis.waitForExit()

        try await replica.startAgain()
        defer { replica.manager.signal(SIGKILL) }
        let client = replica.client
        let answer = try await Self.predict(client)
        #expect(answer.status == 200)
        #expect(answer.isStale)
        await Self.becomes("degraded", client)
        #expect(try await client.get("/services").body.contains(#""service_id":"kept""#))
        #expect(try await Self.register("new", stub.url, client).status == 503)
        #expect(try await replica.failures(in: 20) == [])

        try await redis.launchAgain()  // it kept nothing
        await Self.becomes("healthy", client)
        let isRestored = try await eventually(within: .seconds(20)) {
            await RedisText.ask(port, "EXISTS mm:{mm}:service:kept").hasPrefix(":1")
        }
        #expect(isRestored)
        #expect(try await client.registers(Self.form("new", stub.url)))
        #expect(try await replica.failures(in: 20) == [])
        await redis.stop()
        await stub.stop()
    }

    // MARK: What a caller does

    private static func form(_ id: String, _ url: String) -> String {
        #"{"service_id": "\#(id)", "service_url": "\#(url)", "model_type": "LSTM", "capabilities": ["prediction"]}"#
    }

    private static func register(_ id: String, _ url: String, _ client: PlainClient) async throws -> PlainClient.Answer
    {
        try await client.post("/services/register", Self.form(id, url))
    }

    private static func predict(_ client: PlainClient) async throws -> (status: Int, isStale: Bool) {
        let answer = try await client.post("/predict", LocalReplica.predict)
        return (answer.status, answer.headers["x-mm-stale"] != nil)
    }

    private static func becomes(
        _ status: String,
        _ client: PlainClient,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async {
        let isSo = try? await eventually(within: .seconds(20)) {
            try await client.get("/health").body.contains(#""status":"\#(status)""#)
        }
        #expect(isSo == true, "/health does not become \(status)", sourceLocation: sourceLocation)
    }
}
