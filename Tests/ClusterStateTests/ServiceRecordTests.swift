import ClusterState
import Registry
import Testing

@Suite struct `A record` {
    @Test func `of a service survives the way to Redis and back, with everything set`() throws {
        let service = try Samples.service("a", everything: true)
        let fields = ServiceRecord.fields(of: service, unknown: ["from_the_future": "x"])
        #expect(fields["timeout"] == "0.25")
        #expect(fields["lease"] == "30")
        #expect(fields["capabilities"] == "training,prediction")
        #expect(fields["metadata"] == #"{"owner":"a/b","team":"\"quoted\""}"#)
        let (read, unknown) = try ServiceRecord.decode(id: "a", fields: fields)
        #expect(read == service)
        #expect(unknown == ["from_the_future": "x"])
    }

    @Test func `of a service survives with nothing set`() throws {
        let service = try Samples.service("a")
        let (read, unknown) = try ServiceRecord.decode(id: "a", fields: ServiceRecord.fields(of: service, unknown: [:]))
        #expect(read == service)
        #expect(unknown.isEmpty)
    }

    @Test(arguments: [
        ("service_url", "ftp://h"), ("service_url", ""), ("model_type", "a b"), ("weight", "many"), ("timeout", "-1"),
        ("timeout", "nan"), ("max_concurrent_requests", "2.5"), ("metadata", "[1]"), ("protocol", "smoke"),
        ("draining", "maybe"), ("epoch", "x"), ("lease", "1e99"),
    ])
    func `with a senseless field is unreadable and names the field`(field: String, value: String) throws {
        var fields = ServiceRecord.fields(of: try Samples.service("a"), unknown: [:])
        fields[field] = value
        let record = RegistryRecord(key: RecordKey(.service, "a"), stamp: Epoch(7), fields: fields)
        guard case .unreadable(let kept, let reason) = record.content else {
            Issue.record("\(field) \(value) was read")
            return
        }
        #expect(reason.contains(field))
        #expect(kept == fields, "what cannot be read is kept as it stands")
    }

    @Test func `of a model survives with its aliases and what is unknown`() throws {
        let fields = ["latest": "v2", "alias:stable": "v1", "epoch": "9", "from_the_future": "50"]
        let record = RegistryRecord(key: RecordKey(.model, "LSTM"), stamp: Epoch(9), fields: fields)
        let type = try #require(ModelType("LSTM"))
        let (stable, first) = (try #require(ModelVersion("stable")), try #require(ModelVersion("v1")))
        let pointers = ModelPointers(latest: ModelVersion("v2"), aliases: [stable: first])
        #expect(record.content == .model(type, pointers, unknown: ["from_the_future": "50"]))
        #expect(record.fields == fields)
    }
}
