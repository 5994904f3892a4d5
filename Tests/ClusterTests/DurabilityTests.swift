import Foundation
import ManagerTesting
import Testing

/// What was acknowledged survives whoever dies.
@Suite struct `An acknowledged registration` {
    private static func form(_ id: String) -> String {
        #"{"service_id": "\#(id)", "service_url": "http://127.0.0.1:9", "model_type": "M", "capabilities": ["prediction"]}"#
    }

    @Test func `survives the manager's death`() async throws {
        var replica = try await LocalReplica.start()
        for number in 0..<50 {
            #expect(try await replica.client.registers(Self.form("s\(number)")))
        }
        replica.manager.signal(SIGKILL)
        #expect(try await replica.manager.exitCode(within: .seconds(10)) != nil)
        try await replica.startAgain()
        let health = try await replica.client.get("/health")
        #expect(health.body.contains(#""total":50"#), "\(health.body)")
    }

    @Test func `survives the death of Redis, while predictions go on`() async throws {
        let replica = try await LocalReplica.start()
        let service = try await replica.startService("lstm_a")
        #expect(try await replica.client.registers(Self.form("other")))
        let redis = try #require(Self.redisProcess(of: replica))
        kill(redis, SIGKILL)
        #expect(try await replica.failures(in: 20) == [])
        let client = replica.client
        #expect(try await client.registers(Self.form("after")))
        let list = try await client.get("/services")
        for id in ["lstm_a", "other", "after"] { #expect(list.body.contains(#""service_id":"\#(id)""#)) }
        #expect(Self.redisProcess(of: replica) != redis)
        service.signal(SIGTERM)
    }

    @Test func `is refused with a reason while Redis hangs, and predictions go on`() async throws {
        let replica = try await LocalReplica.start()
        let service = try await replica.startService("lstm_a")
        let redis = try #require(Self.redisProcess(of: replica))
        kill(redis, SIGSTOP)
        defer { kill(redis, SIGCONT) }
        let refused = try await replica.client.post("/services/register", Self.form("late"))
        #expect(refused.status == 503)
        #expect(refused.headers["x-mm-error-code"] == "store_unavailable")
        #expect(refused.headers["retry-after"] != nil)
        #expect(try await replica.failures(in: 20) == [])
        kill(redis, SIGCONT)
        let client = replica.client
        #expect(try await client.registers(Self.form("later")))
        service.signal(SIGTERM)
    }

    /// The Redis that listens in this replica's folder, found by its open directory.
    static func redisProcess(of replica: LocalReplica) -> Int32? {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap(Int32.init).first { pid in
            let command = (try? String(contentsOfFile: "/proc/\(pid)/comm", encoding: .utf8)) ?? ""
            let folder = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/cwd")) ?? ""
            return command.hasPrefix("redis-server") && folder.hasPrefix(replica.folder.path)
        }
    }
}
