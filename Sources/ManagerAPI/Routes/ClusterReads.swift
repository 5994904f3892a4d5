internal import Gateway
internal import Hummingbird
internal import Registry

/// Who makes up the cluster, what it has served, and why a request goes where it goes.
struct ClusterReads: Sendable {
    let ports: FacePorts
    let knowledge: Knowledge

    func show(_ call: Call) async throws -> Response {
        let cluster = await self.ports.cluster.cluster()
        let leader: JSONValue =
            cluster.leader.map { ["replica_id": .string($0.id), "term": .integer($0.term)] } ?? .null
        return .json([
            "replicas": .array(cluster.replicas.map(Self.json)), "leader": leader,
            "epoch": .integer((self.ports.snapshots.snapshot?.epoch ?? .zero).rawValue),
        ])
    }

    /// Over all replicas; while Redis cannot be asked, of this one alone.
    func stats(_ call: Call) async throws -> Response {
        if let all = await self.ports.cluster.servedTraffic() { return .json(Self.json(all, scope: "cluster")) }
        let statistics = await self.ports.traffic.statistics()
        var own = ServedTraffic()
        (own.requests, own.failures, own.retries) = (statistics.requests, statistics.failures, statistics.retries)
        own.services = statistics.services
        return .json(Self.json(own, scope: "replica"))
    }

    private static func json(_ served: ServedTraffic, scope: String) -> JSONValue {
        let services = served.services.sorted { $0.key < $1.key }
        return [
            "scope": .string(scope), "requests": .integer(served.requests), "failures": .integer(served.failures),
            "retries": .integer(served.retries),
            "services": .members(services.map { ($0.key.text, Self.json($0.value)) }),
        ]
    }

    /// With these there is nothing to explain; with others the explanation says why nobody can be picked.
    private static let unknown: [Problem.Code] = [.modelNotFound, .versionNotFound]

    func explain(_ call: Call) async throws -> Response {
        guard let type = try call.query.name("model_type", ModelType.self) else {
            throw Refusal.invalid(at: ["query", "model_type"], "must be given", type: "missing")
        }
        let version = try call.query.name("model_version", ModelVersion.self) ?? .latest
        let capability = call.query["capability"] ?? "prediction"
        var why = self.ports.traffic.explain(modelType: type, version: version, capability: capability)
        if why.problem?.code == .modelNotFound {
            // Another replica may know it already: this one asks, and then explains what it has learnt.
            _ = try await self.knowledge.model(type)
            why = self.ports.traffic.explain(modelType: type, version: version, capability: capability)
        }
        if let problem = why.problem, Self.unknown.contains(problem.code) { throw problem }
        let problem: JSONValue =
            why.problem.map { ["code": .string($0.code.rawValue), "error": .string($0.message)] } ?? .null
        return .json([
            "candidates": .array(why.candidates.map(Self.json)),
            "would_pick": why.wouldPick.map(Self.json) ?? .null, "problem": problem,
        ])
    }

    private static func json(_ replica: ClusterCondition.Replica) -> JSONValue {
        [
            "replica_id": .string(replica.id), "role": .string(replica.role.rawValue),
            "epoch": .integer(replica.epoch.rawValue), "lease_expires_in": JSONValue(seconds: replica.leaseExpiresIn),
            "in_flight": JSONValue(replica.inFlight), "started_at": .string(replica.startedAt.description),
            "version": .string(replica.version),
        ]
    }

    private static func json(_ service: ServiceTraffic) -> JSONValue {
        [
            "requests": .integer(service.requests), "failures": .integer(service.failures),
            "retries": .integer(service.retries), "in_flight": JSONValue(service.inFlight),
            "p50_ms": JSONValue(milliseconds: LatencyQuantile.of(service.latency, 0.5)),
            "p95_ms": JSONValue(milliseconds: LatencyQuantile.of(service.latency, 0.95)),
            "p99_ms": JSONValue(milliseconds: LatencyQuantile.of(service.latency, 0.99)),
        ]
    }

    private static func json(_ candidate: Explanation.Candidate) -> JSONValue {
        [
            "service_id": .string(candidate.key.service.text), "instance": .string(candidate.key.url.description),
            "eligible": .bool(candidate.eligible), "reasons": JSONValue(candidate.reasons),
        ]
    }

    private static func json(_ key: InstanceKey) -> JSONValue {
        ["service_id": .string(key.service.text), "instance": .string(key.url.description)]
    }
}
