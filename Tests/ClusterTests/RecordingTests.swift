import Foundation
import ManagerTesting
import Registry
import Testing

/// Live predictions are recorded, replayed against a version, and forgotten; with the real programs.
@Suite struct `Recorded live predictions` {
    @Test func `are asked of a version again, and forgotten when recording ends`() async throws {
        let replica = try await LocalReplica.start()
        let service = try await replica.startService("lstm_a")
        let client = replica.client
        let evaluation = #"{"dataset":{"recording":true},"metric":"mae","threshold":0.000001}"#
        let early = try await client.post("/models/LSTM/versions/v1/evaluate", evaluation)
        #expect(early.status == 422 && early.body.contains("not recorded"), "\(early.body)")
        let ordered = try await client.send("PUT", "/models/LSTM/recording", body: #"{"share":0.5,"limit":4}"#)
        #expect(ordered.status == 200 && ordered.body.contains(#""recording":{"share":0.5,"limit":4}"#))
        #expect(try await replica.failures(in: 20).isEmpty)
        #expect(
            try await eventually(within: .seconds(20)) {
                try await JSONValue.parse(client.get("/models/LSTM/recording").body)["recorded"] == 4
            }
        )
        #expect(try await client.post("/models/LSTM/versions/v1/evaluate", evaluation).status == 202)
        #expect(
            try await eventually(within: .seconds(20)) {
                let version = try await JSONValue.parse(client.get("/models/LSTM/versions/v1").body)
                let verdict = version["evaluations"]?.asArray?.first
                return verdict?["passed"] == true && verdict?["samples"] == 4
            },
            "the version says the same again"
        )
        #expect(try await client.send("DELETE", "/models/LSTM/recording").status == 200)
        let after = try await JSONValue.parse(client.get("/models/LSTM/recording").body)
        #expect(after["recorded"] == 0 && after["share"] == .null)
        service.signal(SIGTERM)
    }
}
