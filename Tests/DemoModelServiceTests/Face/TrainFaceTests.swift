import ManagerTesting
import Testing

@testable import DemoModelService

@Suite struct `Training over HTTP` {
    @Test func `answers with what it reached, and the version can be loaded`() async throws {
        try await LiveService.use { service async throws in
            let config = #"{"epochs":30,"learning_rate":0.05,"hidden":3,"window":8,"model_version":"v3"}"#
            let answer = try await service.post("/train", #"{"model_type":"LSTM","config":\#(config)}"#)
            #expect(answer.status == 200, "\(answer)")
            #expect(answer.string("model_version") == "v3")
            #expect(answer.number("epochs") == 30)
            let (before, after) = try (#require(answer.number("loss_before")), #require(answer.number("loss_after")))
            #expect(after < before)
            #expect(try await service.get("/models").string("versions.1.state") == "unloaded")
            #expect(try await service.post("/models/v3/load", "").status == 200)
            #expect(try await service.post("/predict", #"{"data":[9],"model_version":"v3"}"#).status == 200)
            #expect(try await service.post("/train", #"{"config":{"model_version":"v3"}}"#).status == 409)
        }
    }

    @Test(arguments: [(#""wait":false,"#, []), ("", ["Prefer: respond-async"])])
    func `can be polled`(member: String, headers: [String]) async throws {
        try await LiveService.use { service async throws in
            let body = #"{\#(member)"config":{"epochs":3,"data":[1,2,3,4,5,4,3,2,1]}}"#
            let accepted = try await service.post("/train", body, headers: headers)
            #expect(accepted.status == 202, "\(accepted)")
            let location = try #require(accepted.headers["location"])
            let ended = try await eventually(within: .seconds(20)) {
                try await service.get(location).string("status") == "succeeded"
            }
            #expect(ended)
            let job = try await service.get(location)
            #expect(job.number("epoch") == 3)
            #expect(job.number("loss") == job.number("loss_after"))
            #expect(job.string("model_version") == "v2")
            #expect(try await service.get("/train/job-99").status == 404)
        }
    }

    @Test func `learns a series of the caller's, in the caller's units`() async throws {
        try await LiveService.use { service async throws in
            let wave = (0..<60).map { $0 % 2 == 0 ? "1000" : "3000" }.joined(separator: ",")
            let config = #"{"epochs":150,"hidden":4,"learning_rate":0.05,"model_version":"wave"}"#
            let trained = try await service.post("/train", #"{"data":[\#(wave)],"config":\#(config)}"#)
            #expect(trained.status == 200, "\(trained)")
            #expect(try await service.post("/models/wave/load", "").status == 200)
            let body = #"{"data":[1000,3000,1000,3000,1000],"model_version":"wave"}"#
            let next = try #require(try await service.post("/predict", body).number("prediction"))
            #expect(abs(next - 3000) < 300, "\(next)")
        }
    }

    @Test(arguments: [
        (#"{"config":{"epochs":0}}"#, "epochs"), (#"{"config":{"epochs":10001}}"#, "epochs"),
        (#"{"config":{"hidden":65}}"#, "hidden"), (#"{"config":{"window":1}}"#, "window"),
        (#"{"config":{"learning_rate":2}}"#, "learning_rate"), (#"{"config":{"epochs":"x"}}"#, "epochs"),
        (#"{"config":{"model_version":"a b"}}"#, "model_version"), (#"{"config":{"data":[1]}}"#, "data"),
        (#"{"config":{"epochs":10000,"hidden":64}}"#, "epochs"),
    ])
    func `names the setting that is wrong`(body: String, member: String) async throws {
        try await LiveService.use { service async throws in
            let answer = try await service.post("/train", body)
            #expect(answer.status == 422, "\(answer)")
            #expect(answer.strings("detail.0.loc") == ["body", "config", member], "\(answer)")
        }
    }

    @Test func `refuses more jobs than may wait`() async throws {
        try await LiveService.use { service async throws in
            var statuses: [Int] = []
            for _ in 0..<(TrainingJobs.queuedJobsMax + 3) {
                statuses.append(try await service.post("/train", #"{"wait":false,"config":{"epochs":10000}}"#).status)
            }
            #expect(statuses.first == 202)
            #expect(statuses.last == 503)
        }
    }
}
