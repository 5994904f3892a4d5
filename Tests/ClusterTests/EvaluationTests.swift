import Foundation
import ManagerTesting
import Registry
import Testing

/// A version from its training to its promotion, with the real programs.
@Suite struct `Versions from training jobs` {
    /// A sine, and after each eight values the one that follows.
    private static let samples = (0..<20).map { start in
        let value = { (place: Int) in 50 + 40 * sin(Double(place) / 3) }
        let data = (start..<start + 8).map { "\(value($0))" }.joined(separator: ",")
        return #"{"data":[\#(data)],"expected":\#(value(start + 8))}"#
    }.joined(separator: ",")

    private func version(_ name: String, at client: PlainClient) async throws -> JSONValue? {
        let model = try JSONValue.parse(try await client.get("/models/LSTM").body)
        return model["versions"]?.asArray?.first { $0["version"]?.asString == name }
    }

    @Test func `are ready, tested, demanded and promoted`() async throws {
        let replica = try await LocalReplica.start()
        let service = try await replica.startService("lstm_a")
        let client = replica.client
        let dataset = #"{"inline":[\#(Self.samples)]}"#
        let lenient = #"{"dataset":\#(dataset),"metric":"mae","threshold":1000}"#
        let accepted = try await client.post(
            "/train",
            #"{"model_type":"LSTM","config":{"epochs":2,"model_version":"v7"},"validation":\#(lenient)}"#,
            headers: ["prefer: wait=30"]
        )
        let job = try JSONValue.parse(accepted.body)
        #expect(job["status"] == "succeeded" && job["message"] == .null, "\(accepted.body)")
        #expect(
            try await eventually(within: .seconds(20)) {
                try await self.version("v7", at: client)?["evaluations"]?.asArray?.first?["passed"] == true
            }
        )
        let ready = try await self.version("v7", at: client)
        #expect(ready?["state"] == "ready", "\(String(describing: ready))")
        let offering = ready?["services"]?.asArray?.compactMap { $0["service_id"]?.asString }
        #expect(offering == ["lstm_a"], "it is its trainer that has it, under one limit")
        let named = #"{"model_type":"LSTM","model_version":"v7","data":[1,2,3]}"#
        let answer = try await client.post("/predict", named)
        #expect(answer.status == 200 && answer.headers["x-mm-model-version"] == "v7", "\(answer.body)")
        #expect(try JSONValue.parse(answer.body)["model_version"] == "v7")
        let isCounted = try await eventually(within: .seconds(10)) { try await self.requests(client) == 1 }
        #expect(isCounted)
        try await self.isDemanded(at: replica, dataset)
        #expect(try await self.requests(client) == 1, "tests are no traffic")
        #expect(try await client.send("DELETE", "/services/lstm_a").status == 200)
        #expect(try await client.post("/predict", named).status != 200, "it goes with its trainer")
        #expect(try await client.get("/services").body.contains("lstm_a") == false)
        service.signal(SIGTERM)
    }

    private func requests(_ client: PlainClient) async throws -> Int64? {
        try JSONValue.parse(try await client.get("/cluster/stats").body)["requests"]?.asInteger
    }

    private func isDemanded(at replica: LocalReplica, _ dataset: String) async throws {
        let (client, url) = (replica.client, replica.manager.url)
        #expect(try await client.send("PATCH", "/models/LSTM", body: #"{"require_evaluation":true}"#).status == 200)
        let strict = ["models", "evaluate", "LSTM", "v7", "--dataset", dataset, "--metric", "mae", "--threshold"]
        let failed = try await `The commands`.run(strict + ["0"], at: url)
        #expect(failed.code == 1 && failed.output.contains("false"), "\(failed.output) \(failed.errors)")
        let refused = try await client.post("/models/LSTM/switch", #"{"version":"v7"}"#)
        #expect(refused.status == 409 && refused.body.contains("was not passed"), "\(refused.body)")
        let passed = try await `The commands`.run(strict + ["1000"], at: url)
        #expect(passed.code == 0 && passed.output.contains("true"), "\(passed.output) \(passed.errors)")
        #expect(try await client.post("/models/LSTM/switch", #"{"version":"v7"}"#).status == 200)
    }

    @Test func `are promoted by themselves when that is asked for`() async throws {
        let replica = try await LocalReplica.start()
        let service = try await replica.startService("lstm_a")
        let client = replica.client
        let validation =
            #"{"dataset":{"inline":[\#(Self.samples)]},"metric":"mae","threshold":1000,"promote":true}"#
        let accepted = try await client.post(
            "/train",
            #"{"model_type":"LSTM","config":{"epochs":2,"model_version":"v8"},"validation":\#(validation)}"#
        )
        #expect(accepted.status == 202, "\(accepted.body)")
        let isLatest = try await eventually(within: .seconds(30)) {
            try JSONValue.parse(try await client.get("/models/LSTM").body)["latest"] == "v8"
        }
        let events = try await client.get("/events?limit=1000").body
        #expect(isLatest, "\(events)")
        service.signal(SIGTERM)
    }
}
