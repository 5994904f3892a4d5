import ClusterState
import ControlLoops
import Gateway
import Logging
import ManagerTesting
import NIOCore
import RedisClient
import Registry
import Synchronization
import Testing

/// Offline tests from the order to the verdict, over a real Redis; the services are a script.
@Suite struct `The tests of versions` {
    /// v1 says 12, v2 says 11, where 10 would be right.
    private static func models() -> FakeTrainers {
        FakeTrainers { call in
            let version = call.headers.first { $0.name == "x-mm-model-version" }?.value ?? "none"
            return FakeTrainers.answer(200, #"{"prediction":\#(version == "v1" ? 12 : 11)}"#)
        }
    }

    private static let inline = #""dataset":{"inline":[{"data":[1],"expected":10},{"data":[2],"expected":10}]}"#

    @Test func `hold a version against the latest, and ask nothing else of anybody`() async throws {
        let models = Self.models()
        let verdict = try await EvaluationBench.verdict("{\(Self.inline),\"metric\":\"mse\"}", port: models)
        #expect(verdict["passed"] == true && verdict["value"] == 1.0, "\(verdict)")
        #expect(verdict["baseline"]?["version"] == "v1" && verdict["baseline"]?["value"] == 4.0)
        #expect(verdict["samples"] == 2 && verdict["failed"] == 0)
        #expect(models.lines == Array(repeating: "POST /predict", count: 4))
        let body = models.calls.first?.body.map { String(buffer: $0) }
        #expect(body == #"{"model_type":"LSTM","model_version":"v2","data":[1]}"#)
    }

    @Test func `give no question more time than the whole test has left`() async throws {
        let models = Self.models()
        let request = "{\(Self.inline),\"metric\":\"mse\",\"timeout\":4}"
        #expect(try await EvaluationBench.verdict(request, port: models)["passed"] == true)
        #expect(models.calls.allSatisfy { $0.timeout <= .seconds(4) })
    }

    @Test func `fail by a threshold, with the numbers`() async throws {
        let request = "{\(Self.inline),\"metric\":\"mae\",\"threshold\":0.5}"
        let verdict = try await EvaluationBench.verdict(request, port: Self.models())
        #expect(verdict["passed"] == false && verdict["value"] == 1.0 && verdict["baseline"] == .null)
        #expect(verdict["error"] == .null)
    }

    @Test func `go on to another instance, and count what nobody answers`() async throws {
        let dead = FakeTrainers { call in
            if call.url.host == "b" { throw UpstreamFailure(kind: .connectRefused, detail: "nobody there") }
            let asked = call.body.map { String(buffer: $0) } ?? ""
            return asked.contains("[2]") ? FakeTrainers.answer(500) : FakeTrainers.answer(200, #"{"prediction":10}"#)
        }
        let request = "{\(Self.inline),\"metric\":\"mae\",\"threshold\":0.5}"
        let verdict = try await EvaluationBench.verdict(request, port: dead)
        #expect(verdict["passed"] == false && verdict["failed"] == 1 && verdict["samples"] == 1, "\(verdict)")
        #expect(verdict["error"] == "1 of 2 samples got no usable prediction")
    }

    @Test(arguments: [
        (#"{"passed":false,"reason":"too flat","value":7}"#, false, JSONValue.string("too flat"), 7.0),
        (#"{"passed":true}"#, true, .null, 1.0),
    ]) func `let a validation service have the last word`(
        answer: String,
        passes: Bool,
        error: JSONValue,
        value: Double
    ) async throws {
        let sent = Mutex("")
        let port = FakeTrainers { call in
            guard call.path == "/validate" else { return FakeTrainers.answer(200, #"{"prediction":11}"#) }
            sent.withLock { $0 = call.body.map { String(buffer: $0) } ?? "" }
            return FakeTrainers.answer(200, answer)
        }
        let request = "{\(Self.inline),\"metric\":\"mae\",\"threshold\":\(passes ? 0 : 5),\"validator\":\"judge\"}"
        let verdict = try await EvaluationBench.verdict(request, port: port)
        #expect(verdict["passed"] == .bool(passes) && verdict["error"] == error, "\(verdict)")
        #expect(verdict["value"]?.asNumber == value)
        let order = try JSONValue.parse(sent.withLock { $0 })
        #expect(order["samples"]?.asArray?.count == 2 && order["evaluation"]?["value"] == 1.0)
    }

    @Test func `take their samples from a data service`() async throws {
        let port = FakeTrainers { call in
            guard call.path == "/series" else {
                let body = call.body.flatMap { try? JSONValue.parse(String(buffer: $0)) }
                let next = (body?["data"]?.asArray?.last?.asNumber ?? 0) + 1
                return FakeTrainers.answer(200, "{\"prediction\":\(next)}")
            }
            return FakeTrainers.answer(200, "[1,2,3,4,5]", headers: [("content-type", "application/json")])
        }
        let dataset = #"{"service":"db","query":{"path":"/series"},"window":2}"#
        let request = "{\"dataset\":\(dataset),\"metric\":\"mae\",\"threshold\":0}"
        let verdict = try await EvaluationBench.verdict(request, port: port)
        #expect(verdict["passed"] == true && verdict["samples"] == 3 && verdict["value"] == 0.0, "\(verdict)")
    }

    @Test func `take live predictions that were recorded, of a version, with all that was asked`() async throws {
        let models = Self.models()
        let (one, two) = (try #require(ModelVersion("v1")), try #require(ModelVersion("v2")))
        let request: JSONValue = ["model_type": "LSTM", "data": [1], "horizon": 3]
        let recorded = [
            RecordedPrediction(version: one, request: request, answer: ["prediction": 12]),
            RecordedPrediction(version: two, request: request, answer: ["prediction": 11]),
            RecordedPrediction(version: one, request: ["model_type": "LSTM"], answer: ["prediction": 12]),
        ]
        let order = #"{"dataset":{"recording":{"version":"v1"}},"metric":"mae","threshold":5}"#
        let verdict = try await EvaluationBench.verdict(order, port: models, recorded: recorded)
        #expect(verdict["passed"] == true && verdict["samples"] == 1 && verdict["value"] == 1.0, "\(verdict)")
        let body = models.calls.first?.body.map { String(buffer: $0) }
        #expect(body == #"{"model_type":"LSTM","model_version":"v2","data":[1],"horizon":3}"#)
    }

    @Test func `need something that was recorded`() async throws {
        let order = #"{"dataset":{"recording":true},"metric":"mae","threshold":5}"#
        let verdict = try await EvaluationBench.verdict(order, port: Self.models())
        #expect(verdict["error"] == "no prediction of LSTM is recorded with data and prediction", "\(verdict)")
    }

    @Test func `that could not be made are not passed, and say why`() async throws {
        let port = FakeTrainers { _ in throw UpstreamFailure(kind: .connectRefused, detail: "nobody there") }
        let dataset = #"{"service":"db","query":{"path":"/series"},"window":2}"#
        let request = "{\"dataset\":\(dataset),\"metric\":\"mae\",\"threshold\":0}"
        let verdict = try await EvaluationBench.verdict(request, port: port)
        #expect(verdict["passed"] == false)
        #expect(verdict["error"]?.asString?.hasPrefix("the data service db is away") == true, "\(verdict)")
    }

    @Test(arguments: [("prediction", 11.0, 1.0), ("spread", 3.0, 7.0)])
    func `ask services of tensors in their words`(field: String, said: Double, error: Double) async throws {
        let port = FakeTrainers { call in
            guard call.method == "POST" else {
                let metadata = #"{"inputs":[{"name":"x","datatype":"FP32","shape":[-1,1]}]}"#
                return FakeTrainers.answer(200, metadata)
            }
            let outputs =
                #"{"name":"y","datatype":"FP32","shape":[1,1],"data":[11]},"#
                + #"{"name":"spread","datatype":"FP32","shape":[1],"data":[3]}"#
            return FakeTrainers.answer(200, #"{"outputs":[\#(outputs)]}"#)
        }
        let request = "{\(Self.inline),\"metric\":\"mae\",\"threshold\":9,\"field\":\"\(field)\"}"
        let verdict = try await EvaluationBench.verdict(request, port: port, oip: ["b", "c"])
        #expect(verdict["passed"] == true && verdict["value"]?.asNumber == error, "\(verdict)")
        let asked = Array(repeating: "GET /v2/models/LSTM/versions/v2", count: 2)
        #expect(port.lines.filter { $0.hasPrefix("GET") } == asked)
        let question = try #require(port.calls.first { $0.path == "/v2/models/LSTM/versions/v2/infer" }?.body)
        let input = try JSONValue.parse(String(buffer: question))["inputs"]?.asArray?.first
        #expect(input?["name"] == "x" && input?["shape"] == [1, 1] && input?["data"] == [1])
    }

    @Test func `promote for a training job`() async throws {
        let request = "{\(Self.inline),\"metric\":\"mae\",\"promote\":true}"
        let pointers = try await EvaluationBench.run(request, port: Self.models())
        #expect(pointers.latest == ModelVersion("v2"))
        #expect(pointers.history == [ModelVersion("v1")])
    }
}

extension `The tests of versions` {
    @Test func `stop when the leadership is lost, without a verdict and another question`() async throws {
        let leadership = FakeLeadership()
        let ended = Mutex(0)
        let models = FakeTrainers { _ in
            // As long as nobody cancels it, a model that never answers.
            defer { ended.withLock { $0 += 1 } }
            try await Task.sleep(for: .seconds(600))
            return FakeTrainers.answer(200, #"{"prediction":11}"#)
        }
        let request = "{\(Self.inline),\"metric\":\"mae\",\"threshold\":5,\"timeout\":600}"
        let pointers = try await EvaluationBench.watch(request, port: models, leadership) { _ in
            let isAsked = try await eventually(within: .seconds(60)) { models.calls.count == 1 }
            #expect(isAsked)
            leadership.depose()
            let isOver = try await eventually(within: .seconds(60)) { ended.withLock { $0 } == 1 }
            #expect(isOver, "it goes on asking")
        }
        #expect(pointers == nil, "only the new leader judges")
        #expect(models.calls.count == 1)
    }

    @Test func `are made again by who leads next`() async throws {
        let leadership = FakeLeadership()
        let calls = Mutex(0)
        let models = FakeTrainers { _ in
            let number = calls.withLock { calls in
                calls += 1
                return calls
            }
            if number == 1 { try await Task.sleep(for: .seconds(600)) }
            return FakeTrainers.answer(200, #"{"prediction":11}"#)
        }
        let request = "{\(Self.inline),\"metric\":\"mae\",\"threshold\":5,\"timeout\":600}"
        let pointers = try await EvaluationBench.watch(request, port: models, leadership) { ended in
            let isAsked = try await eventually(within: .seconds(60)) { models.calls.count == 1 }
            #expect(isAsked)
            leadership.elect(Term(2))
            let isDone = try await eventually(within: .seconds(60)) { ended() }
            #expect(isDone)
        }
        #expect(pointers?.notes[ModelVersion("v2") ?? .latest]?.evaluations.last?["passed"] == true)
        #expect(models.calls.count == 3, "the one that was given up, and both samples")
    }
}

/// A leader that makes one test of version v2 of LSTM, which b and c offer; a offers v1, the latest.
enum EvaluationBench {
    static func verdict(
        _ request: String,
        port: FakeTrainers,
        oip: Set<String> = [],
        recorded: [RecordedPrediction] = []
    ) async throws -> JSONValue {
        let pointers = try await self.run(request, port: port, oip: oip, recorded: recorded)
        return try #require(pointers.notes[ModelVersion("v2") ?? .latest]?.evaluations.last)
    }

    /// What the model's record says after the verdict.
    static func run(
        _ request: String,
        port: FakeTrainers,
        oip: Set<String> = [],
        recorded: [RecordedPrediction] = []
    ) async throws -> ModelPointers {
        let pointers = try await self.watch(request, port: port, oip: oip, recorded: recorded) { ended in
            let isDone = try await eventually(within: .seconds(60)) { ended() }
            #expect(isDone)
        }
        return try #require(pointers)
    }

    /// What the model's record says after the body, which is told whether there is a verdict; nil when there is none.
    static func watch(
        _ request: String,
        port: FakeTrainers,
        _ leadership: FakeLeadership = FakeLeadership(),
        oip: Set<String> = [],
        recorded: [RecordedPrediction] = [],
        _ body: (_ isEnded: @escaping @Sendable () -> Bool) async throws -> Void
    ) async throws -> ModelPointers? {
        let fixture = try await RedisFixture.shared()
        let namespace = fixture.prefix()
        let ended = Mutex<ModelPointers?>(nil)
        try await fixture.withClient(library: ClusterState.library) { redis in
            try await fixture.withClient(purpose: .blockingReads) { reader in
                let state = ClusterState(redis: redis, namespace: namespace)
                let services = try Self.services(oip: oip)
                for service in services { _ = try await state.register(service.definition, source: .api, floor: .zero) }
                try await Self.record(recorded, state)
                let holder = SnapshotHolder()
                holder.publish(RegistrySnapshot(epoch: Epoch(1), services: services, pointers: [:]))
                let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
                let signals = SignalListener(feed: SignalFeed(redis: reader, namespace: namespace), logger: logger)
                let parts = LeaderParts(
                    holder: holder,
                    state: state,
                    leadership: leadership,
                    note: { entry in
                        guard case .model(_, let pointers, _)? = entry.record?.content else { return }
                        ended.withLock { $0 = pointers }
                    }
                )
                let loop = EvaluationLoop(
                    parts: parts,
                    signals: signals,
                    port: port,
                    timeout: .seconds(5),
                    logger: logger
                )
                let reply = try await state.submitEvaluation(Self.order(request))
                #expect(reply == .queued)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await signals.run() }
                    group.addTask { try await loop.run() }
                    defer { group.cancelAll() }
                    try await body { ended.withLock { $0 != nil } }
                }
            }
        }
        return ended.withLock { $0 }
    }

    private static func record(_ recorded: [RecordedPrediction], _ state: ClusterState) async throws {
        guard let type = ModelType("LSTM"), !recorded.isEmpty else { return }
        _ = try await state.setRecording(of: type, Recording(perMillion: 1_000_000), floor: .zero)
        try await state.keepRecorded(recorded, of: type)
    }

    private static func order(_ request: String) throws -> EvaluationOrder {
        EvaluationOrder(
            id: try #require(EvaluationID("eval-1")),
            type: try #require(ModelType("LSTM")),
            version: try #require(ModelVersion("v2")),
            request: Array(request.utf8)
        )
    }

    private static func services(oip: Set<String>) throws -> [Service] {
        var services: [Service] = []
        for (name, version) in [("a", "v1"), ("b", "v2"), ("c", "v2")] {
            let version = try #require(ModelVersion(version))
            services.append(
                try JobBench.service(name) {
                    $0.modelVersion = version; if oip.contains(name) { $0.wireProtocol = .oip }
                }
            )
        }
        services.append(
            try JobBench.service("db") {
                $0.kind = .data
                $0.wireProtocol = .http
            }
        )
        services.append(try JobBench.service("judge") { $0.kind = .validation })
        return services
    }
}
