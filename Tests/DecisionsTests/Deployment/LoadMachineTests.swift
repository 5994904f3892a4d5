import Decisions
import Registry
import Testing

/// One version brought to one service, as a script of what the service answers.
@Suite struct `Loading a version` {
    private static func service(
        _ wireProtocol: ServiceDefinition.WireProtocol = .native,
        metadata: [String: String] = [:]
    ) throws -> ServiceDefinition {
        var service = ServiceDefinition(
            id: try #require(ServiceID("s")),
            url: try ServiceURL("http://s:1/base"),
            modelType: try #require(ModelType("LSTM"))
        )
        service.wireProtocol = wireProtocol
        service.metadata = metadata
        return service
    }

    private static func machine(
        _ service: ServiceDefinition,
        artifact: String? = nil,
        parameters: JSONValue? = ["a": 1],
        version: String = "v2"
    ) throws -> LoadMachine {
        LoadMachine(
            try #require(ModelVersion(version)),
            at: service,
            by: Deployment(services: [service.id], artifact: artifact, parameters: parameters),
            now: Self.at(0)
        )
    }

    private static func at(_ seconds: Double) -> Instant { Instant(nanoseconds: Int64(seconds * 1e9)) }

    private static func paths(_ action: LoadMachine.Action) -> String {
        guard case .send(let request) = action else { return "\(action)" }
        return "\(request.method) \(request.path)"
    }

    @Test func `a native service that answers 200 has it`() throws {
        var machine = try Self.machine(Self.service(), artifact: "s3://x")
        guard case .send(let request) = machine.began() else { throw Surprise() }
        #expect(request.path == "/base/models/v2/load")
        #expect(request.body == ["artifact": "s3://x", "parameters": ["a": 1]])
        #expect(machine.answered(200, nil, now: Self.at(1)) == .end(.loaded))
    }

    @Test func `a native service that answers 202 is watched until it says ready`() throws {
        var machine = try Self.machine(Self.service())
        _ = machine.began()
        #expect(Self.paths(machine.answered(202, nil, now: Self.at(1))) == "GET /base/models")
        let loading: JSONValue = [
            "versions": [["version": "v1", "state": "ready"], ["version": "v2", "state": "loading"]]
        ]
        #expect(machine.answered(200, loading, now: Self.at(2)) == .wait(until: Self.at(2.5)))
        #expect(Self.paths(machine.woke(now: Self.at(3))) == "GET /base/models")
        let ready: JSONValue = ["versions": [["version": "v2", "state": "READY"]]]
        #expect(machine.answered(200, ready, now: Self.at(4)) == .end(.loaded))
    }

    @Test func `is not waited for without end`() throws {
        var machine = try Self.machine(Self.service())
        _ = machine.began()
        _ = machine.answered(202, nil, now: Self.at(1))
        #expect(machine.answered(200, [:], now: Self.at(600)) == .end(.failed("it was not ready in time")))
    }

    @Test(arguments: [404, 405, 501])
    func `a service that knows no such request cannot deploy`(status: Int) throws {
        for service in [try Self.service(), try Self.service(.oip)] {
            var machine = try Self.machine(service, parameters: nil)
            _ = machine.began()
            if service.wireProtocol == .oip { _ = machine.answered(404, nil, now: Self.at(0)) }
            let reason = "it cannot load versions: it answered \(status)"
            #expect(machine.answered(status, nil, now: Self.at(1)) == .end(.skipped(reason)))
        }
    }

    @Test(arguments: [
        (#"{"detail":"bad artifact"}"#, "it answered 422: bad artifact"), (#"{"error":"no"}"#, "it answered 422: no"),
        ("[]", "it answered 422"),
    ])
    func `tells why a service refused`(body: String, reason: String) throws {
        var machine = try Self.machine(Self.service())
        _ = machine.began()
        let action = machine.answered(422, try JSONValue.parse(body), now: Self.at(1))
        #expect(action == .end(.failed(reason)))
    }

    @Test func `asks again when the service cannot be reached, three times in all`() throws {
        var machine = try Self.machine(Self.service())
        _ = machine.began()
        #expect(machine.failed("connect_refused", now: Self.at(1)) == .wait(until: Self.at(1.5)))
        #expect(Self.paths(machine.woke(now: Self.at(1.5))) == "POST /base/models/v2/load")
        #expect(machine.failed("reset", now: Self.at(2)) == .wait(until: Self.at(2.5)))
        let end = LoadMachine.Action.end(.failed("it could not be asked: connect_refused"))
        #expect(machine.failed("connect_refused", now: Self.at(3)) == end)
    }

    @Test func `a repository is asked to load only what is not ready, and believed only by the version's own word`()
        throws
    {
        var there = try Self.machine(Self.service(.oip), parameters: nil)
        #expect(Self.paths(there.began()) == "GET /base/v2/models/LSTM/versions/v2/ready")
        #expect(there.answered(200, nil, now: Self.at(1)) == .end(.loaded))
        var machine = try Self.machine(Self.service(.oip), parameters: nil)
        _ = machine.began()
        #expect(Self.paths(machine.answered(400, nil, now: Self.at(1))) == "POST /base/v2/repository/models/LSTM/load")
        let ready = "GET /base/v2/models/LSTM/versions/v2/ready"
        #expect(Self.paths(machine.answered(200, nil, now: Self.at(2))) == ready)
        #expect(machine.answered(404, nil, now: Self.at(3)) == .wait(until: Self.at(3.5)))
        #expect(Self.paths(machine.woke(now: Self.at(4))) == ready)
        #expect(machine.answered(404, nil, now: Self.at(33)) == .end(.failed("it was not ready in time")))
    }

    @Test func `a repository is given parameters whether or not the version is ready`() throws {
        var machine = try Self.machine(Self.service(.oip))
        guard case .send(let request) = machine.began() else { throw Surprise() }
        #expect(request.path == "/base/v2/repository/models/LSTM/load")
        #expect(request.body == ["parameters": ["a": 1]])
        let ready = "GET /base/v2/models/LSTM/versions/v2/ready"
        #expect(Self.paths(machine.answered(200, nil, now: Self.at(2))) == ready)
    }

    @Test func `a service without a version is asked by its model alone`() throws {
        var machine = try Self.machine(Self.service(.oip), parameters: nil, version: "default")
        #expect(Self.paths(machine.began()) == "GET /base/v2/models/LSTM/ready")
    }

    @Test func `TorchServe is asked at its management address`() throws {
        let metadata = ["deployment": "torchserve", "management_url": "http://s:2"]
        var machine = try Self.machine(Self.service(metadata: metadata), artifact: "lstm-2.0.mar")
        guard case .send(let request) = machine.began() else { throw Surprise() }
        #expect(request.url == (try ServiceURL("http://s:2")))
        #expect(request.path == "/models?url=lstm-2.0.mar&model_name=LSTM&synchronous=true&a=1&initial_workers=1")
        #expect(Self.paths(machine.answered(409, nil, now: Self.at(1))) == "GET /models/LSTM/v2")
        let starting: JSONValue = [["modelName": "LSTM", "workers": [["id": "1", "status": "UNLOADING"]]]]
        #expect(machine.answered(200, starting, now: Self.at(2)) == .wait(until: Self.at(2.5)))
        let worker: JSONValue = [["modelName": "LSTM", "workers": [["id": "1", "status": "READY"]]]]
        #expect(machine.answered(200, worker, now: Self.at(60)) == .end(.loaded))
        var bad = try Self.machine(Self.service(metadata: metadata), artifact: "a&b=c")
        guard case .end(.failed) = bad.began() else { throw Surprise() }
    }

    @Test(arguments: [
        (405, #"{"message":"not allowed"}"#, "skipped it cannot load versions: its model API is off"),
        (404, #"{"message":"Model not found at: m.mar"}"#, "failed it answered 404: Model not found at: m.mar"),
        (400, #"{"message":"Token Authorization failed."}"#, "failed it answered 400: Token Authorization failed."),
    ]) func `TorchServe refuses in its own ways`(status: Int, body: String, outcome: String) throws {
        let metadata = ["deployment": "torchserve", "management_url": "http://s:2"]
        var machine = try Self.machine(Self.service(metadata: metadata), artifact: "m.mar")
        _ = machine.began()
        guard case .end(let end) = machine.answered(status, try JSONValue.parse(body), now: Self.at(1)) else {
            throw Surprise()
        }
        #expect("\(end.name) \(end.reason ?? "")" == outcome)
    }

    @Test func `TorchServe takes the version from the archive, which may hold another one`() throws {
        let metadata = ["deployment": "torchserve", "management_url": "http://s:2"]
        var machine = try Self.machine(Self.service(metadata: metadata), artifact: "m.mar")
        _ = machine.began()
        let told: JSONValue = ["status": "Model \"LSTM\" Version: 9 registered with 1 initial workers"]
        #expect(Self.paths(machine.answered(200, told, now: Self.at(1))) == "GET /models/LSTM/v2")
        let why =
            "the archive holds another version: Model \"LSTM\" Version: 9 registered with 1 initial workers"
        #expect(machine.answered(404, nil, now: Self.at(2)) == .end(.failed(why)))
    }

    @Test func `a repository unloads only when nothing else of the model is there`() throws {
        let (version, other) = (try #require(ModelVersion("v2")), try #require(ModelVersion("v3")))
        let alone = LoadDialect.unload(version, at: try Self.service(.oip), others: [])
        #expect(try alone.get().map(\.path) == ["/base/v2/repository/models/LSTM/unload"])
        #expect((try? LoadDialect.unload(version, at: try Self.service(.oip), others: [other]).get()) == nil)
        let native = LoadDialect.unload(version, at: try Self.service(), others: [other])
        #expect(try native.get().map(\.path) == ["/base/models/v2/unload"])
    }

    @Test func `TorchServe is given another default before it is to unload`() throws {
        let service = try Self.service(metadata: ["deployment": "torchserve", "management_url": "http://s:2"])
        let (version, other) = (try #require(ModelVersion("v2")), try #require(ModelVersion("v3")))
        let requests = try LoadDialect.unload(version, at: service, others: [other]).get()
        #expect(
            requests.map { "\($0.method) \($0.path)" } == [
                "PUT /models/LSTM/v3/set-default", "DELETE /models/LSTM/v2",
            ]
        )
        #expect(try LoadDialect.unload(version, at: service, others: []).get().map(\.path) == ["/models/LSTM/v2"])
        #expect(LoadDialect.unloaded(404, by: service) == "had it no more")
        #expect(LoadDialect.unloaded(404, by: try Self.service()) == "cannot unload")
    }

    private struct Surprise: Error {}
}
