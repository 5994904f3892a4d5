import ManagerTesting
import Registry
import Testing

/// A version brought to running services, used, and taken away again; with the real programs.
@Suite struct `A deployment` {
    private static func version(_ name: String, at client: PlainClient) async throws -> JSONValue {
        let answer = try await client.get("/models/LSTM/versions/\(name)")
        return answer.status == 200 ? try JSONValue.parse(answer.body) : ["state": "unknown"]
    }

    @Test func `makes a version ready that no service was registered with, and takes it away again`() async throws {
        let replica = try await LocalReplica.start()
        let services = [try await replica.startService("lstm_a"), try await replica.startService("lstm_b")]
        let client = replica.client
        let ordered = try await client.post("/models/LSTM/versions", #"{"version": "v7"}"#)
        #expect(ordered.status == 202, "\(ordered.body)")
        #expect(
            try await eventually(within: .seconds(30)) { try await Self.version("v7", at: client)["state"] == "ready" }
        )
        let shown = try await Self.version("v7", at: client)
        let rows = try #require(shown["deployment"]?["services"]?.asArray)
        #expect(rows.map { $0["outcome"] } == ["loaded", "loaded"], "\(shown)")
        let body = LocalReplica.predict.replacing(#""data""#, with: #""model_version": "v7", "data""#)
        let answer = try await client.post("/predict", body)
        #expect(answer.status == 200, "\(answer.body)")
        #expect(answer.headers["x-mm-model-version"] == "v7")
        #expect(try JSONValue.parse(answer.body)["model_version"] == "v7")
        #expect(try await client.post("/models/LSTM/versions/v7/retire", "{}").status == 202)
        #expect(
            try await eventually(within: .seconds(30)) {
                try await Self.version("v7", at: client)["state"] == "retired"
            }
        )
        let why = try await Self.version("v7", at: client)["why"]?.asString
        #expect(why == "lstm_a unloaded it, lstm_b unloaded it")
        #expect(try await client.post("/predict", body).status == 404)
        withExtendedLifetime(services) {}
    }
}
