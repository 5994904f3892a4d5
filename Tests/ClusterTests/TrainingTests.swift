import Foundation
import ManagerTesting
import Registry
import Testing

/// Training jobs with the real programs: two replicas over one Redis, and a trainer that really trains.
@Suite struct `Training jobs` {
    private func pair() async throws -> (RedisFixture, LocalReplica, LocalReplica) {
        let redis = try await RedisFixture.start()
        let shared = ["REDIS_URL": redis.url, "REPLICA_LEASE": "3"]
        let first = try await LocalReplica.start(shared.merging(["REPLICA_ID": "r1"]) { $1 })
        let second = try await LocalReplica.start(shared.merging(["REPLICA_ID": "r2"]) { $1 })
        return (redis, first, second)
    }

    private func job(_ client: PlainClient, _ id: String, wait: Int = 0) async throws -> JSONValue {
        try JSONValue.parse(try await client.send("GET", "/train/\(id)", headers: ["prefer: wait=\(wait)"]).body)
    }

    private func submit(_ client: PlainClient, epochs: Int, headers: [String] = []) async throws -> PlainClient.Answer {
        let config = #"{"epochs": \#(epochs), "hidden": 16}"#
        return try await client.post("/train", #"{"model_type": "LSTM", "config": \#(config)}"#, headers: headers)
    }

    private func knows(_ replica: LocalReplica, _ service: String) async throws -> Bool {
        let client = replica.client
        return try await eventually(within: .seconds(20)) {
            try await client.get("/models").body.contains("LSTM")
        }
    }

    @Test func `are submitted at one replica, shown by the other, and made once`() async throws {
        let (redis, first, second) = try await self.pair()
        let service = try await first.startService("lstm_a")
        #expect(try await self.knows(second, "lstm_a"))
        let accepted = try await self.submit(first.client, epochs: 5, headers: ["idempotency-key: k1"])
        #expect(accepted.status == 202, "\(accepted.body)")
        let id = try #require(try JSONValue.parse(accepted.body)["job_id"]?.asString)
        #expect(accepted.headers["location"] == "/train/\(id)")
        let ended = try await self.job(second.client, id, wait: 30)
        #expect(ended["status"] == "succeeded", "\(ended.serialized())")
        #expect(ended["model_version"]?.asString?.isEmpty == false)
        #expect(ended["result"]?["loss_after"] != nil && ended["maybe_started"] == false)
        let again = try await self.submit(second.client, epochs: 5, headers: ["idempotency-key: k1"])
        #expect(again.status == 200 && again.body.contains(id), "the same job, and it has ended")
        let conflict = try await self.submit(second.client, epochs: 6, headers: ["idempotency-key: k1"])
        #expect(conflict.status == 409 && conflict.headers["x-mm-error-code"] == "idempotency_conflict")
        let list = try await second.client.get("/train?status=succeeded&model_type=LSTM")
        #expect(list.body.contains(id))
        #expect(try await second.client.get("/train/job-nobody").status == 404)
        #expect(try await first.client.get("/events?limit=1000").body.contains("job_succeeded"))
        service.signal(SIGTERM)
        await redis.stop()
    }

    @Test func `survive the replica that runs them`() async throws {
        let (redis, first, second) = try await self.pair()
        let replicas = ["r1": first, "r2": second]
        let service = try await first.startService("lstm_a")
        #expect(try await self.knows(second, "lstm_a"))
        let accepted = try await self.submit(first.client, epochs: 2000)
        let id = try #require(try JSONValue.parse(accepted.body)["job_id"]?.asString)
        let client = first.client
        let isWatched = try await eventually(within: .seconds(20)) {
            try await self.job(client, id)["phase"] == "watching"
        }
        #expect(isWatched)
        let runner = try #require(try await self.job(client, id)["runner"]?.asString)
        let survivor = try #require(replicas.first { $0.key != runner }?.value)
        try #require(replicas[runner]).manager.signal(SIGKILL)
        let there = survivor.client
        let isTakenOver = try await eventually(within: .seconds(30)) {
            let job = try await self.job(there, id)
            return job["status"] != "running" || job["runner"]?.asString != runner
        }
        #expect(isTakenOver)
        let cancelled = try await there.send("DELETE", "/train/\(id)", headers: ["prefer: wait=20"])
        let end = try JSONValue.parse(cancelled.body)
        #expect(["cancelled", "succeeded"].contains(end["status"]?.asString), "\(cancelled.body)")
        #expect(end["attempts"]?.asArray?.count == 1, "sent once")
        service.signal(SIGTERM)
        await redis.stop()
    }

    @Test func `wait for a trainer that lives, and are cancelled at once meanwhile`() async throws {
        let replica = try await LocalReplica.start()
        let service = try await replica.startService("lstm_a")
        service.signal(SIGKILL)
        let client = replica.client
        #expect(
            try await eventually(within: .seconds(20)) {
                try await client.get("/services/lstm_a").body.contains(#""status":"unhealthy""#)
            }
        )
        let accepted = try await self.submit(client, epochs: 5)
        let id = try #require(try JSONValue.parse(accepted.body)["job_id"]?.asString)
        #expect(
            try await eventually(within: .seconds(20)) {
                try await self.job(client, id)["message"] == "no trainer is well: unhealthy"
            }
        )
        let cancelled = try await client.send("DELETE", "/train/\(id)")
        #expect(cancelled.status == 200)
        #expect(try JSONValue.parse(cancelled.body)["status"] == "cancelled")
        #expect(try await client.send("DELETE", "/train/\(id)").status == 200, "it is over: nothing to do")
        #expect(try await client.send("DELETE", "/train/job-nobody").status == 404)
    }

    @Test func `have commands`() async throws {
        let replica = try await LocalReplica.start()
        let service = try await replica.startService("lstm_a")
        let url = replica.manager.url
        let submitted = try await `The commands`.run(
            ["train", "submit", "LSTM", "--config", #"{"epochs": 2}"#, "--wait", "-o", "json"],
            at: url
        )
        #expect(submitted.code == 0, "\(submitted.errors)")
        let id = try #require(try JSONValue.parse(submitted.output)["job_id"]?.asString)
        #expect(try await `The commands`.run(["train", "list"], at: url).output.contains("succeeded"))
        #expect(try await `The commands`.run(["train", "show", id], at: url).output.contains("model_version"))
        #expect(try await `The commands`.run(["train", "cancel", id], at: url).output.contains("is succeeded"))
        let wrong = try await `The commands`.run(["train", "submit", "LSTM", "--config", "{"], at: url)
        #expect(wrong.code == 64)
        let unknown = try await `The commands`.run(["train", "submit", "GRU"], at: url)
        #expect(unknown.code == 1 && unknown.errors.contains("GRU"))
        service.signal(SIGTERM)
    }
}
