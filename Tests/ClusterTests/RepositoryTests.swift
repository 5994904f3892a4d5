import Foundation
import ManagerTesting
import Registry
import Testing

/// The model repository extension through any replica; with the real programs.
@Suite struct `The model repository` {
    private static func state(of version: String, at client: PlainClient) async throws -> String? {
        let rows = try JSONValue.parse(try await client.post("/v2/repository/index", "{}").body).asArray ?? []
        return rows.first { $0["version"]?.asString == version }?["state"]?.asString
    }

    private static func infer(_ version: String, at client: PlainClient) async throws -> Int {
        let body = #"{"inputs":[{"name":"x","datatype":"FP64","shape":[4],"data":[1,2,3,4]}]}"#
        return try await client.post("/v2/models/LSTM/versions/\(version)/infer", body).status
    }

    @Test func `is loaded by one replica, seen and unloaded by another`() async throws {
        let cluster = try await LocalCluster.start(["r1", "r2"])
        defer { cluster.end() }
        let first = try #require(cluster.member("r1")).replica
        let (one, two) = (first.client, try #require(cluster.member("r2")).client)
        let service = try await first.startService("lstm_a")
        defer { service.signal(SIGKILL) }
        let path = "/v2/repository/models/LSTM"
        let loaded = try await one.post("\(path)/load", #"{"parameters":{"version":"v7"}}"#)
        #expect(loaded.status == 200 && loaded.body.contains(#""lstm_a":"loaded""#), "\(loaded.body)")
        let isSeen = try await eventually(within: .seconds(20)) { try await Self.state(of: "v7", at: two) == "READY" }
        #expect(isSeen)
        #expect(try await Self.infer("v7", at: two) == 200)
        #expect(try await eventually(within: .seconds(20)) { try await Self.counted("v7", at: one) == 1 })

        let refused = try await two.post("\(path)/unload", "{}")
        #expect(refused.status == 409 && refused.headers["x-mm-error-code"] == "version_in_use")
        let problem = try JSONValue.parse(refused.body)
        #expect(problem["error"] == "LSTM v1: the version is serving: latest points at it", "\(refused.body)")
        #expect(problem["detail"]?.asString?.contains("POST /models/LSTM/switch") == true)
        #expect(try await Self.infer("v1", at: one) == 200, "nothing happened to it")

        let unloaded = try await two.post("\(path)/unload?version=v7", "{}")
        #expect(unloaded.status == 200 && unloaded.body.contains("lstm_a unloaded it"), "\(unloaded.body)")
        let isGone = try await eventually(within: .seconds(20)) {
            try await Self.state(of: "v7", at: one) == "UNAVAILABLE"
        }
        #expect(isGone)
        #expect(try await Self.infer("v7", at: one) == 404)
        #expect(try await one.post("\(path)/unload?version=v7", "{}").status == 200, "again does no harm")
        #expect(try await one.post("\(path)/unload?version=v9", "{}").status == 404)
    }

    /// What the statistics of all models say of a version.
    private static func counted(_ version: String, at client: PlainClient) async throws -> Int64? {
        let rows = try JSONValue.parse(try await client.get("/v2/models/stats").body)["model_stats"]?.asArray ?? []
        return rows.first { $0["version"]?.asString == version }?["inference_count"]?.asInteger
    }
}
