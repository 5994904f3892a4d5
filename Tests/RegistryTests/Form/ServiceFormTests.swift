import Registry
import Testing

@Suite struct `The form of a service` {
    static let smallest: JSONObject = ["service_id": "a", "service_url": "http://h:1", "model_type": "LSTM"]

    static func form(_ name: String, _ value: JSONValue) -> JSONValue {
        var form = Self.smallest
        form[name] = value
        return .object(form)
    }

    static func problems(_ form: JSONValue, id: ServiceID? = nil) -> [FormProblem] {
        do {
            _ = try ServiceForm.read(form, id: id)
            return []
        } catch {
            return error.problems
        }
    }

    @Test func `needs three fields and fills in the rest`() throws {
        let definition = try ServiceForm.read(.object(Self.smallest), id: nil)
        let url = try ServiceURL("http://h:1")
        let id = try #require(ServiceID("a"))
        let type = try #require(ModelType("LSTM"))
        #expect(definition == ServiceDefinition(id: id, url: url, modelType: type))
        #expect(
            definition.modelVersion == .unnamed && definition.weight == 100 && definition.concurrentRequestsMax == nil
        )
    }

    @Test func `comes back as it went in`() throws {
        let text = #"""
            {"service_id": "a", "service_url": "https://h/p", "model_type": "LSTM", "model_version": "v1",
             "capabilities": ["training", "prediction", "training"], "max_concurrent_requests": 5, "timeout": 2.5,
             "weight": 7, "protocol": "oip", "health_path": "/ok?x=1", "metadata": {"b": "2", "a": "1"},
             "discovery": "dns", "lease": 30, "kind": "model", "forward_authorization": true}
            """#
        let definition = try ServiceForm.read(try JSONValue.parse(text), id: nil)
        #expect(definition.capabilities == ["training", "prediction"])
        #expect(
            definition.concurrentRequestsMax == 5 && definition.timeout == .seconds(2.5)
                && definition.lease == .seconds(30)
        )
        #expect(definition.wireProtocol == .oip && definition.discovery == .dns && definition.forwardsAuthorization)
        let form = ServiceForm.json(definition)
        #expect(form["timeout"] == 2.5 && form["lease"] == 30)
        #expect(try ServiceForm.read(.object(form), id: nil) == definition)
    }

    @Test func `takes its name from outside, as in the services file`() throws {
        let id = try #require(ServiceID("outside"))
        var form = Self.smallest
        form["service_id"] = nil
        #expect(try ServiceForm.read(.object(form), id: id).id == id)
        let problems = Self.problems(.object(Self.smallest), id: id)
        #expect(problems.map(\.type) == [.value] && problems.map(\.loc) == [["body", "service_id"]])
    }

    static let accepted: [(String, JSONValue)] = [
        ("max_concurrent_requests", JSONValue.integer(0)), ("max_concurrent_requests", nil), ("timeout", 86400),
        ("timeout", 0.001), ("lease", 1), ("weight", 1), ("weight", 1000), ("weight", .number(5.0)),
        ("capabilities", []),
        ("metadata", [:]), ("model_version", "v1.0_x-y"), ("health_path", "/"), ("forward_authorization", false),
        ("kind", "validation"), ("discovery", "static"), ("protocol", "native"),
    ]

    @Test(arguments: accepted)
    func `accepts`(field: String, value: JSONValue) {
        #expect(Self.problems(Self.form(field, value)) == [])
    }

    struct Refusal: Sendable, CustomTestStringConvertible {
        var field: String
        var value: JSONValue
        var type: FormProblem.Kind
        var testDescription: String { "\(self.field): \(self.value.serialized().prefix(60))" }

        init(_ field: String, _ value: JSONValue, _ type: FormProblem.Kind) {
            self.field = field
            self.value = value
            self.type = type
        }
    }

    @Test(arguments: [
        Refusal("service_id", nil, .missing), Refusal("service_id", 5, .stringType),
        Refusal("service_id", "a b", .pattern),
        Refusal("service_url", nil, .missing), Refusal("service_url", "ftp://h", .url),
        Refusal("service_url", [], .stringType),
        Refusal("model_type", nil, .missing), Refusal("model_type", "", .pattern),
        Refusal("model_type", true, .stringType),
        Refusal("model_version", "latest", .value), Refusal("model_version", "a/b", .pattern),
        Refusal("model_version", 1, .stringType),
        Refusal("capabilities", "prediction", .listType),
        Refusal("capabilities", .array((0..<65).map { .string("c\($0)") }), .tooLong),
        Refusal("max_concurrent_requests", -1, .greaterThanEqual), Refusal("max_concurrent_requests", 1.5, .intType),
        Refusal("max_concurrent_requests", "5", .intType),
        Refusal("max_concurrent_requests", 1_000_001, .lessThanEqual),
        Refusal("max_concurrent_requests", .number(1e300), .intType),
        Refusal("timeout", 0, .greaterThan), Refusal("timeout", -1, .greaterThan),
        Refusal("timeout", 86400.5, .lessThanEqual),
        Refusal("timeout", "30", .floatType), Refusal("lease", 0, .greaterThan), Refusal("lease", true, .floatType),
        Refusal("weight", 0, .greaterThanEqual), Refusal("weight", 1001, .lessThanEqual),
        Refusal("weight", false, .intType),
        Refusal("protocol", "grpc", .literal), Refusal("protocol", "influxdb1", .literal),
        Refusal("protocol", 1, .stringType),
        Refusal("health_path", "health", .pattern), Refusal("health_path", "/a b", .pattern),
        Refusal("health_path", "/a\r\nX: y", .pattern), Refusal("health_path", "/é", .pattern),
        Refusal("metadata", [], .dictType),
        Refusal("metadata", ["big": .string(String(repeating: "x", count: 65534))], .tooLong),
        Refusal("discovery", "consul", .literal), Refusal("kind", "modell", .literal),
        Refusal("forward_authorization", "yes", .boolType), Refusal("forward_authorization", 1, .boolType),
        Refusal("servce_url", "x", .extraForbidden),
    ])
    func `refuses`(refusal: Refusal) {
        let problems = Self.problems(Self.form(refusal.field, refusal.value))
        #expect(problems.map(\.type) == [refusal.type])
        #expect(problems.map(\.loc) == [["body", refusal.field]])
    }

    @Test func `names the element that is wrong`() {
        #expect(
            Self.problems(Self.form("capabilities", ["ok", 1, "a b"])).map(\.loc) == [
                ["body", "capabilities", "1"], ["body", "capabilities", "2"],
            ]
        )
        #expect(Self.problems(Self.form("metadata", ["a": 1])).map(\.loc) == [["body", "metadata", "a"]])
    }

    @Test func `reports all faults together`() {
        let problems = Self.problems(["weight": 0, "extra": 1])
        #expect(Set(problems.map { $0.loc[1] }) == ["service_id", "service_url", "model_type", "weight", "extra"])
        #expect(FormProblems(problems).description.contains("body.extra: unknown field \"extra\""))
        #expect(FormProblems(problems).json.asArray?.last?["type"] == "extra_forbidden")
    }

    @Test(arguments: [JSONValue.null, 1, "x", []]) func `must be an object`(value: JSONValue) {
        #expect(Self.problems(value).map(\.type) == [.dictType])
    }

    @Test func `of a data source needs no model type and speaks its own protocols`() throws {
        var form = Self.smallest
        form["model_type"] = nil
        form["kind"] = "data"
        #expect(try ServiceForm.read(.object(form), id: nil).wireProtocol == .http)
        form["protocol"] = "influxdb2"
        let definition = try ServiceForm.read(.object(form), id: nil)
        #expect(definition.wireProtocol == .influxdb2 && definition.modelType.text == "data")
        form["protocol"] = "oip"
        #expect(Self.problems(.object(form)).map(\.type) == [.literal])
    }
}
