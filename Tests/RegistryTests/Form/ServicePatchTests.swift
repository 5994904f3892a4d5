import Registry
import Testing

@Suite struct `A change of a service` {
    static func definition() throws -> ServiceDefinition {
        let form: JSONValue = [
            "service_id": "a", "service_url": "http://h:1", "model_type": "LSTM", "timeout": 5, "weight": 7,
            "max_concurrent_requests": 3, "metadata": ["k": "v"], "capabilities": ["prediction"],
        ]
        return try ServiceForm.read(form, id: nil)
    }

    @Test func `of nothing changes nothing`() throws {
        let patch = try ServicePatch.read([:])
        #expect(patch == ServicePatch())
        #expect(try patch.applied(to: Self.definition()) == Self.definition())
    }

    @Test func `replaces the fields it names`() throws {
        let patch = try ServicePatch.read([
            "weight": 9, "timeout": 1.5, "max_concurrent_requests": 4, "metadata": ["x": "y"],
        ])
        let changed = try patch.applied(to: Self.definition())
        #expect(changed.weight == 9 && changed.timeout == .seconds(1.5) && changed.concurrentRequestsMax == 4)
        #expect(changed.metadata == ["x": "y"] && changed.capabilities == ["prediction"])
    }

    @Test(arguments: [JSONValue.null, 0]) func `lifts the limit`(value: JSONValue) throws {
        let changed = try ServicePatch.read(["max_concurrent_requests": value]).applied(to: Self.definition())
        #expect(changed.concurrentRequestsMax == nil && changed.timeout == .seconds(5))
    }

    @Test func `puts back the defaults of what is null`() throws {
        let patch = try ServicePatch.read(["weight": nil, "timeout": nil, "metadata": nil, "capabilities": nil])
        let changed = try patch.applied(to: Self.definition())
        #expect(
            changed.weight == 100 && changed.timeout == nil && changed.metadata.isEmpty && changed.capabilities.isEmpty
        )
    }

    @Test(arguments: [
        ("service_url", JSONValue.string("http://x"), FormProblem.Kind.extraForbidden),
        ("weight", 0, .greaterThanEqual),
        ("timeout", "1", .floatType), ("model_version", "v2", .extraForbidden), ("capabilities", 1, .listType),
    ])
    func `is refused as a whole`(field: String, value: JSONValue, type: FormProblem.Kind) {
        let problems = #expect(throws: FormProblems.self) { try ServicePatch.read(.object([field: value])) }
        #expect(problems?.problems.map(\.type) == [type])
    }
}
