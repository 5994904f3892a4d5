import Foundation
import ManagerTesting
import Testing

@testable import DemoModelService

@Suite struct `The service's face` {
    @Test func `says what it is`() async throws {
        try await LiveService.use(ServiceConfiguration(name: "a", versions: ["v1", "v2"])) { service async throws in
            let health = try await service.get("/health")
            #expect(health.status == 200)
            #expect(health.string("status") == "healthy")
            #expect(health.string("model_type") == "LSTM")
            #expect(health.strings("versions") == ["v1", "v2"])
            let info = try await service.get("/info")
            #expect(info.strings("capabilities") == ["training", "prediction"])
            #expect(info.string("model_version") == "v1")
            let models = try await service.get("/models")
            #expect(models.string("versions.1.version") == "v2")
            #expect(models.string("versions.1.state") == "ready")
        }
    }

    @Test func `predicts with the asked version, the same on every instance`() async throws {
        try await LiveService.use(ServiceConfiguration(name: "a", versions: ["v1", "v2"])) { service async throws in
            let body = #"{"model_type":"LSTM","data":[1,2.5,-3e1],"model_version":"v2","other":{"x":[null]}}"#
            let answer = try await service.post("/predict", body)
            #expect(answer.status == 200, "\(answer)")
            #expect(answer.string("model_version") == "v2")
            #expect(answer.string("instance") == "a")
            #expect(answer.count("predictions") == 1)
            #expect(answer.number("prediction") == answer.number("predictions.0"))
            try await LiveService.use(ServiceConfiguration(name: "b", versions: ["v2"])) { twin in
                let same = try await twin.post("/predict", body)
                #expect(same.number("prediction") == answer.number("prediction"))
            }
            let latest = try await service.post("/predict", #"{"data":[1],"model_version":"latest"}"#)
            #expect(latest.string("model_version") == "v1")
            let stats = try await service.get("/_stats")
            #expect(stats.number("predictions") == 2)
            #expect(stats.number("predictions_by_version.v2") == 1)
        }
    }

    @Test func `takes the version that the manager resolved from an alias`() async throws {
        try await LiveService.use(ServiceConfiguration(versions: ["v1", "v2"])) { service async throws in
            let body = #"{"data":[1],"model_version":"stable"}"#
            let resolved = try await service.post("/predict", body, headers: ["x-mm-model-version: v2"])
            #expect(resolved.string("model_version") == "v2")
            #expect(try await service.post("/predict", body).status == 404)
        }
    }

    @Test func `forecasts several steps when its type says so`() async throws {
        try await LiveService.use(ServiceConfiguration(modelType: "LSTM_MULTISTEP")) { service async throws in
            let answer = try await service.post("/predict", #"{"data":[1,2],"horizon":5}"#)
            #expect(answer.count("predictions") == 5)
            #expect(answer.number("prediction") == answer.number("predictions.0"))
            for horizon in [0, 65] {
                let refused = try await service.post("/predict", #"{"data":[1],"horizon":\#(horizon)}"#)
                #expect(refused.status == 422)
                #expect(refused.strings("detail.0.loc") == ["body", "horizon"])
            }
        }
        try await LiveService.use { service async throws in
            #expect(try await service.post("/predict", #"{"data":[1],"horizon":2}"#).status == 422)
        }
    }

    @Test func `serves whatever type callers name when it is any`() async throws {
        try await LiveService.use(ServiceConfiguration(modelType: "any")) { service async throws in
            let answer = try await service.post("/predict", #"{"model_type":"GRU","data":[1]}"#)
            #expect(answer.string("model_type") == "GRU")
        }
    }

    @Test func `says what is wrong with a body and where`() async throws {
        let cases: [(body: String, status: Int, type: String?, place: String?)] = [
            (#"{"model_type":"LSTM"}"#, 422, "missing", "data"), (#"{"data":"x"}"#, 422, "list_type", "data"),
            (#"{"data":[]}"#, 422, "too_short", "data"), (#"{"data":[1,true]}"#, 422, "number_type", "data"),
            (#"{"data":[1e101]}"#, 422, "less_than_equal", "data"),
            (#"{"data":[1],"horizon":"x"}"#, 422, "integer_type", "horizon"),
            (#"{"data":[1],"model_version":5}"#, 422, "string_type", "model_version"),
            (#"{"data":[1"#, 422, "json_invalid", nil), ("", 422, "json_invalid", nil),
            ("[1]", 422, "object_type", nil),
            (#"{"data":[1],"model_version":"v9"}"#, 404, nil, nil),
            (#"{"data":[1],"model_type":"GRU"}"#, 404, nil, nil),
        ]
        try await LiveService.use { service async throws in
            for (body, status, type, place) in cases {
                let answer = try await service.post("/predict", body)
                #expect(answer.status == status, "\(body): \(answer)")
                #expect(answer.string("detail.0.type") == type, "\(body): \(answer)")
                #expect(answer.string("detail.0.loc.1") == place, "\(body): \(answer)")
                if status == 404 { #expect(answer.string("detail") != nil, "\(answer)") }
            }
            #expect(try await service.post("/predict", #"{"data":[1,"x"]}"#).number("detail.0.loc.2") == 1)
            #expect(try await service.get("/nowhere").string("detail") == "Not Found")
        }
    }

    @Test func `takes long series and refuses longer ones`() async throws {
        try await LiveService.use { service async throws in
            let long = Array(repeating: "1", count: SeriesRule.valuesMax).joined(separator: ",")
            #expect(try await service.post("/predict", #"{"data":[\#(long)]}"#).status == 200)
            let longer = try await service.post("/predict", #"{"data":[\#(long),1]}"#)
            #expect(longer.status == 422)
            #expect(longer.string("detail.0.type") == "too_long")
            let huge = String(repeating: " ", count: DemoContext.bodyBytesMax + 1)
            #expect(try await service.post("/predict", huge).status == 413)
        }
    }

    @Test func `loads and unloads versions, and makes those nobody has`() async throws {
        try await LiveService.use { service async throws in
            #expect(try await service.post("/models/v1/unload", "").string("state") == "unloaded")
            #expect(try await service.post("/predict", #"{"data":[1],"model_version":"v1"}"#).status == 404)
            #expect(try await service.get("/health").status == 503)
            #expect(try await service.post("/models/v1/load", "").string("state") == "ready")
            #expect(try await service.post("/predict", #"{"data":[1]}"#).status == 200)
            #expect(try await service.post("/models/v7/load", #"{"parameters":{"epochs":2}}"#).status == 200)
            #expect(try await service.post("/predict", #"{"data":[1],"model_version":"v7"}"#).status == 200)
            #expect(try await service.post("/models/v8/unload", "").status == 404)
            #expect(try await service.post("/models/v8/load", #"{"artifact":"s3://x"}"#).status == 422)
            #expect(try await service.post("/models/latest/load", "").status == 422)
        }
    }
}
