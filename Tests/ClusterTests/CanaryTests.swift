import Foundation
import ManagerTesting
import Synchronization
import Testing

/// Canaries and retirements with real processes: measured over all replicas, carried on by whoever leads.
@Suite(.serialized) struct `A canary over three replicas` {
    private static let canary = #"{"version":"v2","canary":{"steps":[20,100],"interval":1,"max_error_rate":0.1}}"#

    @Test func `that fails is rolled back, with the numbers in the event`() async throws {
        let failing: StubUpstream.Script = { _, request in
            let isProbe = request.hasPrefix("GET")
            return [.send(isProbe ? StubUpstream.json("{}") : StubUpstream.json("{}", status: "500 Oops")), .next]
        }
        try await VersionedCluster.run(second: failing) { cluster in
            #expect(try await cluster.client(1).post("/models/LSTM/switch", Self.canary).status == 202)
            let isUndone = try await self.ask(cluster) { $0.contains(#""state":"rolled_back""#) }
            #expect(isUndone)
            let model = try await cluster.client(2).get("/models/LSTM").body
            #expect(model.contains(#""latest":"v1""#))
            #expect(model.contains(#""traffic":{"v1":100}"#))
            let events = try await cluster.client(0).get("/events?limit=1000").body
            #expect(
                events.firstMatch(of: /"kind":"rolled_back"[^}]*errors above 10.0 %[^}]*v2 \d+ requests/) != nil,
                "\(events)"
            )
        }
    }

    @Test func `is finished by the next leader when the one in charge dies`() async throws {
        try await VersionedCluster.run(["REPLICA_LEASE": "3", "LEADER_LEASE": "3"]) { cluster in
            #expect(try await cluster.client(0).post("/models/LSTM/switch", Self.canary).status == 202)
            let leader = try #require(try await cluster.leader(seenBy: 0))
            let place = try #require(VersionedCluster.names.firstIndex(of: leader))
            cluster.replicas[place].signal(SIGKILL)
            let others = [0, 1, 2].filter { $0 != place }
            let isDone = try await self.ask(cluster, at: others) { $0.contains(#""state":"succeeded""#) }
            #expect(isDone)
            for other in others { #expect(try await cluster.version(at: other) == "v2") }
        }
    }

    @Test func `has exactly its share of all requests`() async throws {
        try await VersionedCluster.run { cluster in
            let split = #"{"split":{"v1":90,"v2":10}}"#
            #expect(try await cluster.client(0).send("PUT", "/models/LSTM/traffic", body: split).status == 200)
            let epoch = try await cluster.client(0).get("/cluster").body.firstMatch(of: /"epoch":(\d+)\}/)?.1 ?? "0"
            var counts: [String: Int] = [:]
            for request in 0..<600 {
                let headers = ["x-mm-epoch: \(epoch)"]
                let answer = try await cluster.client(request % 3).post(
                    "/predict",
                    VersionedCluster.predict,
                    headers: headers
                )
                counts[answer.headers["x-mm-model-version"] ?? "none", default: 0] += 1
            }
            #expect(abs((counts["v2"] ?? 0) - 60) <= 3, "\(counts)")
        }
    }

    @Test func `and then the version before is retired when nobody holds a request of it`() async throws {
        try await VersionedCluster.run { cluster in
            #expect(try await cluster.switchTo("v2", at: 0).status == 200)
            let path = "/models/LSTM/versions/v1"
            #expect(try await cluster.client(1).post("\(path)/retire", "{}").status == 202)
            let isRetired = try await eventually(within: .seconds(30)) {
                try await cluster.client(2).get(path).body.contains(#""state":"retired""#)
            }
            #expect(isRetired)
            #expect(cluster.services[0].requests.contains { $0.hasPrefix("POST /models/v1/unload ") })
            let named = #"{"model_type":"LSTM","model_version":"v1"}"#
            #expect(try await cluster.client(2).post("/predict", named).status == 404)
            #expect(try await cluster.switchTo("v1", at: 0).status == 409)
            let again = try await cluster.client(0).post("/models/LSTM/versions/v2/retire", "{}")
            #expect(again.headers["x-mm-error-code"] == "version_in_use")
        }
    }

    /// Keeps asking for predictions at replicas in turn until the model is as wanted.
    private func ask(
        _ cluster: VersionedCluster,
        at places: [Int] = [0, 1, 2],
        until isWanted: @escaping @Sendable (String) -> Bool
    ) async throws -> Bool {
        try await eventually(within: .seconds(60)) {
            for place in places { _ = try await cluster.client(place).post("/predict", VersionedCluster.predict) }
            return isWanted(try await cluster.client(places[0]).get("/models/LSTM").body)
        }
    }
}
