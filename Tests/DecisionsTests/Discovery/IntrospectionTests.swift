import Decisions
import Registry
import Testing

/// A server as answers by path; what it has no answer for is 404 in FastAPI's words. Nil: silent from there on.
@Suite struct `The introspection of a server` {
    typealias Answers = [String: (Int, String)?]

    /// The questions asked, and what came of them.
    static func run(_ answers: Answers) -> (paths: [String], step: Introspection.Step) {
        var introspection = Introspection()
        var (question, paths) = (introspection.first, [String]())
        while true {
            paths.append(question.path)
            let known = answers[question.path] ?? (404, #"{"detail":"Not Found"}"#)
            let answer = known.map { Introspection.Answer(status: $0.0, body: $0.1) }
            let step = introspection.answered(answer)
            guard case .ask(let next) = step else { return (paths, step) }
            question = next
        }
    }

    static func offers(_ answers: Answers) -> [String] {
        guard case .found(let offers) = Self.run(answers).step else { return ["\(Self.run(answers).step)"] }
        return offers.map { offer in
            let version = offer.version?.text ?? "-"
            return "\(offer.type) \(version) \(offer.wireProtocol) \(offer.capabilities.joined(separator: "+"))"
        }
    }

    @Test func `believes a native service's own word`() {
        let info =
            #"{"model_type":"LSTM","model_version":"v2","capabilities":["training","prediction"],"versions":["v1","v2"]}"#
        let (paths, step) = Self.run(["/info": (200, info)])
        #expect(paths == ["/info"])
        guard case .found(let offers) = step, let offer = offers.first else { return #expect(Bool(false), "\(step)") }
        #expect(offer.versions == ["v1", "v2"])
        #expect(Self.offers(["/info": (200, info)]) == ["LSTM v2 native training+prediction"])
    }

    @Test(arguments: [
        #"{"model_type":"LSTM"}"#, #"{"model_type":"LSTM","model_version":null,"versions":"v1"}"#,
        #"{"model_type":"LSTM","model_version":"latest"}"#, #"{"model_type":"LSTM","model_version":"a b"}"#,
    ])
    func `makes do with little`(info: String) {
        #expect(Self.offers(["/info": (200, info)]) == ["LSTM - native prediction"])
    }

    @Test func `finds the model type at health when there is no info`() {
        let health = #"{"status":"unhealthy","model_type":"GRU","capabilities":["prediction"]}"#
        let (paths, _) = Self.run(["/health": (503, health)])
        #expect(paths == ["/info", "/v2", "/health"])
        #expect(Self.offers(["/health": (503, health)]) == ["GRU - native prediction"])
    }

    @Test func `asks MLServer about every version, as its index calls ready what is only on disk`() {
        let index = """
            [{"name":"iris","version":"1.0.0","state":"READY","reason":""},
             {"name":"iris","version":"2.0.0","state":"UNKNOWN","reason":""},
             {"name":"iris","version":"4.0.0","state":"READY","reason":""}]
            """
        let answers: Answers = [
            "/v2": (200, #"{"name":"mlserver","version":"1.7.1","extensions":[]}"#),
            "/v2/repository/index": (200, index),
            "/v2/models/iris/versions/1.0.0/ready": (200, ""), "/v2/models/iris/versions/2.0.0/ready": (200, ""),
            "/v2/models/iris/versions/4.0.0/ready": (404, #"{"error":"Model iris with version 4.0.0 not found"}"#),
        ]
        #expect(Self.offers(answers) == ["iris 1.0.0 oip prediction", "iris 2.0.0 oip prediction"])
    }

    @Test func `passes over what Triton never loaded or has unloaded`() {
        let index = """
            [{"name":"lstm","version":"1","state":"READY"},{"name":"lstm","version":"2","state":"LOADING"},
             {"name":"slow"},{"name":"old","version":"1","state":"UNAVAILABLE","reason":"unloaded"}]
            """
        let answers: Answers = [
            "/v2": (200, #"{"name":"triton","version":"2.51","extensions":["model_repository"]}"#),
            "/v2/repository/index": (200, index), "/v2/models/lstm/versions/1/ready": (200, ""),
            "/v2/models/lstm/versions/2/ready": (400, #"{"error":"Model version not ready"}"#),
            "/v2/models/slow/ready": (400, #"{"error":"Model version not ready"}"#),
        ]
        let (paths, _) = Self.run(answers)
        #expect(Self.offers(answers) == ["lstm 1 oip prediction"])
        #expect(!paths.contains { $0.contains("old") })
    }

    @Test func `knows TorchServe, and says that it cannot be served`() {
        let missing = #"{"code":404,"type":"ResourceNotFoundException","message":"no"}"#
        let answers: Answers = [
            "/info": (404, missing), "/v2": (404, missing), "/health": (404, missing),
            "/ping": (200, #"{"status": "Healthy"}"#),
        ]
        guard case .unclear(let reason) = Self.run(answers).step else { return #expect(Bool(false)) }
        #expect(reason.contains("TorchServe"))
    }

    @Test(arguments: ["/info", "/v2", "/health"]) func `takes no answer for silence, wherever it happens`(path: String)
    {
        #expect(Self.run([path: nil]).step == .silent)
    }

    @Test func `tells a server without a word about models from a silent one`() {
        guard case .unclear = Self.run([:]).step else { return #expect(Bool(false)) }
        let server = (200, #"{"name":"x"}"#)
        guard case .unclear(let reason) = Self.run(["/v2": server]).step else { return #expect(Bool(false)) }
        #expect(reason.contains("/v2/repository/index"))
        #expect(Self.offers(["/v2": server, "/v2/repository/index": (200, "[]")]) == [])
    }

    @Test func `is bounded, and survives names that no registry could hold`() {
        let many = (0..<200).map { #"{"name":"m\#($0)"}"# } + [#"{"name":"../x"}"#, #"{"name":7}"#, "3"]
        let answers: Answers = [
            "/v2": (200, #"{"name":"x"}"#),
            "/v2/repository/index": (200, "[\(many.reversed().joined(separator: ","))]"),
        ]
        let (paths, _) = Self.run(answers)
        #expect(paths.count == 3 + Introspection.modelsMax)
        #expect(!paths.contains { $0.contains("..") })
    }
}

@Suite struct `A service found at a seed` {
    static func sighting(_ seed: String, _ offer: Introspection.Offer) throws -> SeedSighting {
        try #require(SeedSighting(offer, at: try DiscoverySeed(seed), .static))
    }

    static func native(_ type: String = "LSTM", _ version: String? = "v1") throws -> Introspection.Offer {
        let info = #"{"model_type":"\#(type)","model_version":"\#(version ?? "latest")","versions":["v1","v2"]}"#
        var introspection = Introspection()
        guard case .found(let offers) = introspection.answered(.init(status: 200, body: info)) else { throw Unclear() }
        return try #require(offers.first)
    }

    struct Unclear: Error {}

    @Test func `has an id of its seed, stable and fit to be a name`() throws {
        let offer = try Self.native()
        #expect(try Self.sighting("lstm:8000", offer).definition.id.text == "probe-lstm-8000")
        #expect(try Self.sighting("10.0.0.7:8000", offer).definition.id.text == "probe-10.0.0.7-8000")
        let six = try Self.sighting("[fd00::7]:8000", offer).definition.id.text
        #expect(six.hasPrefix("probe-fd00--7-8000-"))
        #expect(try Self.sighting("[fd00::7]:8000", offer).definition.id.text == six)
        let long = String(repeating: "a", count: 60) + "." + String(repeating: "b", count: 60) + ".example:8000"
        #expect(try Self.sighting(long, offer).definition.id.text.utf8.count <= 128)
        let srv = try Self.sighting("_http._tcp.models.example", offer)
        #expect(srv.definition.id.text == "probe-_http._tcp.models.example-srv")
        #expect(srv.source == .dns)
    }

    @Test func `says something new only when something is new`() throws {
        let first = try Self.sighting("lstm:8000", try Self.native())
        #expect(first == (try Self.sighting("lstm:8000", try Self.native())))
        #expect(first.fingerprint != (try Self.sighting("lstm:8000", try Self.native("LSTM", "v2"))).fingerprint)
        #expect(first.definition.metadata == ["seed": "lstm:8000", "versions": "v1,v2"])
        #expect(try Self.sighting("lstm:8000", try Self.native("LSTM", nil)).definition.modelVersion == .unnamed)
    }

    @Test(arguments: [
        ("lstm:8000", ["10.0.0.1:1"], ServiceDefinition.Discovery.static),
        ("lstm:8000", ["127.0.0.1:1", "[::1]:1"], .static), ("lstm:8000", ["10.0.0.1:1", "10.0.0.2:1"], .dns),
        ("lstm:8000", ["[fd00::1]:1", "[fd00::2]:1"], .dns), ("_http._tcp.a.b", ["10.0.0.1:1"], .dns),
    ])
    func `follows its name when that stands for several machines`(
        seed: String,
        addresses: [String],
        discovery: ServiceDefinition.Discovery
    ) throws {
        let addresses = addresses.compactMap { InstanceAddress($0) }
        #expect(try DiscoverySeed(seed).discovery(of: addresses) == discovery)
    }

    @Test(arguments: ["", "a", "a:0", "a:99999", "a:1/", "a:1/x", "http://a:1", "_http._tcp.a:1", "u@a:1", "a b:1"])
    func `needs a seed that is one`(text: String) {
        #expect(throws: DiscoverySeedError.self) { try DiscoverySeed(text) }
    }
}
