import Registry
import Testing

@Suite struct `A training request` {
    private func read(_ text: String) throws -> TrainingRequest {
        try TrainingRequest.read(JSONValue.parse(text))
    }

    private func faults(_ text: String) throws -> [String] {
        do throws(FormProblems) {
            _ = try TrainingRequest.read((try? JSONValue.parse(text)) ?? .null)
            return []
        } catch {
            return error.problems.map { "\($0.loc.dropFirst().joined(separator: ".")) \($0.type.rawValue)" }
        }
    }

    @Test func `leaves to the trainer what is the trainer's`() throws {
        let request = try self.read(#"{"model_type": "LSTM", "config": {"epochs": 3}, "note": [1], "timeout": 60}"#)
        #expect(request.timeout == .seconds(60))
        #expect(request.modelVersion == nil)
        #expect(!request.isPassedAsItIs)
        let body = request.trainerBody(adding: [("data", [1, 2])])
        #expect(body.serialized() == #"{"model_type":"LSTM","config":{"epochs":3},"note":[1],"data":[1,2]}"#)
        #expect(try self.read(#"{"model_type": "LSTM", "note": 1}"#).isPassedAsItIs)
    }

    @Test func `names its data source in the words of a protocol`() throws {
        func query(_ text: String) throws -> DataQuery? {
            try self.read(#"{"model_type": "L", "data_source": {"service": "s", "query": \#(text)}}"#).dataSource?.query
        }
        #expect(
            try query(#"{"db": "d", "q": "SELECT 1", "params": {"a": 1}}"#)
                == .influxdb1(db: "d", q: "SELECT 1", params: ["a": 1])
        )
        #expect(try query(#"{"org": "o", "flux": "from()"}"#) == .influxdb2(org: "o", flux: "from()"))
        guard case .http(path: "/a/b", let params)? = try query(#"{"path": "/a/b", "params": {"n": 5, "t": "x"}}"#)
        else {
            throw FormProblems([])
        }
        #expect(params.map { "\($0.name)=\($0.value)" } == ["n=5", "t=x"])
    }

    @Test(arguments: [
        ("{}", ["model_type missing"]),
        (#"{"model_type": "a b"}"#, ["model_type string_pattern_mismatch"]),
        (#"{"model_type": "L", "config": 1, "timeout": 0}"#, ["config dict_type", "timeout greater_than"]),
        (#"{"model_type": "L", "timeout": 604801}"#, ["timeout less_than_equal"]),
        (#"{"model_type": "L", "data_source": 1}"#, ["data_source dict_type"]),
        (#"{"model_type": "L", "data_source": {}}"#, ["data_source.service missing", "data_source.query missing"]),
        (
            #"{"model_type": "L", "data": [], "data_source": {"service": "s", "query": {"q": "SELECT x"}}}"#,
            ["data value_error", "data_source.query.db missing"]
        ),
        (
            #"{"model_type": "L", "data_source": {"service": "s", "query": {"db": "d", "q": "SELECT x", "flux": "y"}}}"#,
            ["data_source.query.flux extra_forbidden"]
        ),
        (#"{"model_type": "L", "data_source": {"service": "s", "query": {}}}"#, ["data_source.query.path missing"]),
    ]) func `is refused with every fault`(text: String, faults: [String]) throws {
        #expect(try self.faults(text) == faults)
    }

    @Test(arguments: ["a", "/a/../b", "//h", "/a?b=c", "/a#b", "/a%2fb", "/a b", "/..", "/a\\b"])
    func `asks a data service for plain paths only`(path: String) throws {
        let text = JSONValue.string(path).serialized()
        let body = #"{"model_type": "L", "data_source": {"service": "s", "query": {"path": \#(text)}}}"#
        #expect(try self.faults(body) == ["data_source.query.path string_pattern_mismatch"])
    }

    @Test(arguments: [
        ("SELECT value FROM sine", true), (" show measurements ; ", true), ("select \"into_x\" from a", true),
        ("DROP DATABASE x", false), ("SELECT 1; DROP DATABASE x", false), ("SELECT a INTO b FROM c", false),
        ("SELECT a/**/into/**/b FROM c", false), ("SELECT a FROM b WHERE c =~ /'/ ; DROP DATABASE x --'", false),
        ("/* SELECT */ DROP DATABASE x", false), ("selected", false), (";", false), ("-- x\nSELECT 1", false),
    ]) func `asks InfluxDB 1 for nothing that changes it`(q: String, isAllowed: Bool) throws {
        let query = #"{"db": "d", "q": \#(JSONValue.string(q).serialized())}"#
        let faults = try self.faults(#"{"model_type": "L", "data_source": {"service": "s", "query": \#(query)}}"#)
        #expect(faults == (isAllowed ? [] : ["data_source.query.q value_error"]))
    }

    @Test func `gets a job with a name of its own, which is also its first key`() throws {
        #expect(JobID(random: 255).text == "job-00000000000000ff")
        #expect(JobID(JobID(random: .max).text) != nil)
        let type = try #require(ModelType("L"))
        var job = Job(id: JobID(random: 1), status: .queued, modelType: type, createdAt: Timestamp(milliseconds: 0))
        #expect(job.trainerKey == "job-0000000000000001")
        job.round = 2
        #expect(job.trainerKey == "job-0000000000000001.2")
    }
}
