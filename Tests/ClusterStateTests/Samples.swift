import ClusterState
import ManagerTesting
import Registry
import Testing

/// Services to register.
enum Samples {
    static func definition(_ id: String, everything: Bool = false) throws -> ServiceDefinition {
        var definition = ServiceDefinition(
            id: try #require(ServiceID(id)),
            url: try ServiceURL("http://\(id).example:8000"),
            modelType: try #require(ModelType("LSTM"))
        )
        guard everything else { return definition }
        definition.modelVersion = try #require(ModelVersion("v1.2"))
        definition.capabilities = ["training", "prediction"]
        definition.concurrentRequestsMax = 5
        definition.timeout = .milliseconds(250)
        definition.weight = 7
        definition.wireProtocol = .oip
        definition.healthPath = "/up"
        definition.metadata = ["team": "\"quoted\"", "owner": "a/b"]
        definition.discovery = .dns
        definition.lease = .seconds(30)
        definition.kind = .data
        definition.forwardsAuthorization = true
        return definition
    }

    static func service(_ id: String, everything: Bool = false) throws -> Service {
        Service(
            definition: try self.definition(id, everything: everything),
            source: everything ? .file : .api,
            isDraining: everything,
            registeredAt: Timestamp(milliseconds: 1_700_000_000_000),
            registeredEpoch: Epoch(1_700_000_000_000_000),
            epoch: Epoch(1_700_000_000_000_001)
        )
    }

    /// What a replica writes besides the registry: session, leadership, permits, waiters, tickets, breakers,
    /// health, traffic.
    static func join(_ state: ClusterState) async throws {
        _ = try await state.beat("r1.a", for: .seconds(6), sentAt: nil, self.status)
        _ = try await state.beat("r2.a", for: .seconds(6), sentAt: nil, self.status)
        _ = try await state.campaign(as: "r1.a", for: .seconds(6), sentAt: .max)
        for session in ["r1.a", "r2.a"] {
            _ = try await state.leasePermits([try self.ask(number: 1, want: 5)], session: session)
        }
        _ = try await state.ticketBlocks([(pool: "LSTM/v1/prediction", count: 8)])
        let traffic = VersionTraffic(type: try #require(ModelType("LSTM")), version: .unnamed, requests: 1)
        _ = try await state.reportTraffic("r1.a", number: 1, epoch: Epoch(7), [traffic])
        var served = ServedTraffic()
        served.requests = 2
        served.services[try #require(ServiceID("a")), default: ServiceTraffic()].requests = 1
        _ = try await state.reportServed("r1.a", number: 1, served, [:])
        _ = try await state.reportOutcomes([try self.outcomes("lstm", failures: 5)], policy: self.rules)
        let finding = ToldFinding(instance: try self.instance("lstm"), kind: .well, latency: .zero, error: nil)
        _ = try await state.reportFindings([finding], by: "r1", interval: .seconds(10))
    }

    static let rules = BreakerRules(failuresInRowMax: 5, failureRatioMax: 0.5, cooldown: .seconds(60), probesMax: 1)

    static func instance(_ service: String) throws -> InstanceKey {
        InstanceKey(service: try self.id(service), url: try ServiceURL("http://\(service).example:8000"))
    }

    static func outcomes(
        _ service: String,
        generation: Int = 0,
        successes: Int = 0,
        failures: Int = 0
    ) throws -> ToldOutcomes {
        ToldOutcomes(
            instance: try self.instance(service),
            pool: "LSTM/v1/prediction",
            poolSize: 2,
            generation: generation,
            successes: successes,
            failures: failures,
            trailingFailures: failures
        )
    }

    /// A job that waits, one that runs and one that has ended.
    static func train(_ state: ClusterState) async throws {
        for id in ["a", "b", "c"] { _ = try await state.submit(try self.order(id, key: id)) }
        let held = try #require(try await state.claimJobs(2, session: "r1.a", running: []))
        let place = InstanceKey(service: try self.id("s"), url: try ServiceURL("http://h:1"))
        for claimed in held {
            _ = try await state.sendJob(claimed.job.id, to: place, limit: 0, session: "r1.a", [])
        }
        _ = try await state.endJob(try #require(held.first).job.id, .failed, detail: "", session: "r1.a", [])
        let test = try self.test(of: "v2")
        #expect(try await state.submitEvaluation(test) == .queued)
        _ = try await state.setRecording(of: test.type, Recording(perMillion: 1), floor: .zero)
        let recorded = RecordedPrediction(version: test.version, request: ["data": 1], answer: ["prediction": 2])
        try await state.keepRecorded([recorded], of: test.type)
    }

    /// An offline test.
    static func test(of version: String = "default") throws -> EvaluationOrder {
        EvaluationOrder(
            id: try #require(EvaluationID("e")),
            type: try #require(ModelType("LSTM")),
            version: try #require(ModelVersion(version)),
            request: Array("{}".utf8)
        )
    }

    static func order(
        _ id: String,
        key: String? = nil,
        body: String = #"{"model_type":"LSTM"}"#
    ) throws -> JobOrder {
        JobOrder(
            id: try #require(JobID(id)),
            key: key,
            request: try TrainingRequest.read(JSONValue.parse(body)),
            body: Array(body.utf8)
        )
    }

    /// What a leader that discovers writes.
    static func discover(_ state: ClusterState) async throws {
        let definition = try self.definition("seen")
        _ = try await state.registerSeen(definition, source: .probe, fingerprint: "1", floor: .zero)
        try await state.setAppliedCatalogue("http://c/", ["a": "1"])
        let line = SweepRecord.Line(source: "seeds", found: 1, errors: 0)
        try await state.storeSweep(SweepRecord(lines: [line], summary: "one"))
    }

    static let status: ReplicaReport = {
        var report = ReplicaReport(
            epoch: Epoch(7),
            inFlight: 3,
            startedAt: Timestamp(milliseconds: 1_700_000_000_000),
            version: "1.2.3",
            address: "10.0.0.7:8008"
        )
        for (id, count) in [("lstm", 2), ("a.b-c", 1)] {
            if let service = ServiceID(id) { report.draining[service] = count }
        }
        return report
    }()

    static func ask(
        _ service: String = "lstm",
        number: Int64,
        held: Int = 0,
        inFlight: Int = 0,
        want: Int,
        limit: Int = 5,
        limitEpoch: Int64 = 1
    ) throws -> PermitAsk {
        PermitAsk(
            instance: InstanceKey(service: try self.id(service), url: try ServiceURL("http://\(service).example:8000")),
            number: number,
            held: held,
            inFlight: inFlight,
            want: want,
            limit: limit,
            limitEpoch: Epoch(limitEpoch)
        )
    }

    static func id(_ text: String) throws -> ServiceID {
        try #require(ServiceID(text))
    }
}

/// Runs against a real Redis, in a namespace of its own.
func withState(_ body: @Sendable (ClusterState) async throws -> Void) async throws {
    let fixture = try await RedisFixture.shared()
    try await fixture.withClient(library: ClusterState.library) { redis in
        try await body(ClusterState(redis: redis, namespace: fixture.prefix(), actor: "tester"))
    }
}

extension ClusterState {
    /// Takes or renews the leadership.
    func lead(as candidate: String) async throws -> Term {
        let reply = try await self.campaign(as: candidate, for: .seconds(6), sentAt: .max)
        guard reply.status != .held else { throw StateSurprise() }
        return reply.leader.term
    }
}
