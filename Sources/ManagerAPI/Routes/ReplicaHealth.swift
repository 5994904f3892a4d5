internal import Hummingbird
internal import Registry

/// `GET /health` for people and dashboards, `/health/live` and `/health/ready` for whoever starts and feeds replicas.
struct ReplicaHealth: Sendable {
    let ports: FacePorts
    let identity: ReplicaIdentity
    let knowledge: Knowledge

    /// 503 only when the replica cannot serve; without Redis it can, and says `degraded`.
    func show(_ call: Call) async throws -> Response {
        let snapshot = self.ports.snapshots.snapshot
        let store = self.ports.store.storeStatus
        let status = snapshot == nil ? "unhealthy" : store.connected ? "healthy" : "degraded"
        let json = await self.json(status, snapshot ?? .empty, store)
        return .json(json, status: snapshot == nil ? .serviceUnavailable : .ok)
    }

    /// As long as this answers at all, the process lives; it depends on nothing else.
    func live(_ call: Call) async throws -> Response {
        .json(["status": "live"])
    }

    /// Whether an ingress should send requests here.
    func ready(_ call: Call) async throws -> Response {
        let reason = self.reasonNotReady
        let json: JSONValue = ["status": reason == nil ? "ready" : "not_ready", "reason": JSONValue(reason)]
        return .json(json, status: reason == nil ? .ok : .serviceUnavailable)
    }

    /// `GET /v2/health/live`, in the words of the Open Inference Protocol.
    func inferenceLive(_ call: Call) async throws -> Response {
        .json(["live": true])
    }

    /// `GET /v2/health/ready`, likewise.
    func inferenceReady(_ call: Call) async throws -> Response {
        guard let reason = self.reasonNotReady else { return .json(["ready": true]) }
        return .json(["ready": false, "error": .string(reason)], status: .serviceUnavailable)
    }

    private var reasonNotReady: String? {
        if self.ports.replica.isDraining { return "this replica is leaving" }
        return self.ports.snapshots.snapshot == nil ? "this replica has not loaded the registry yet" : nil
    }

    private func json(_ status: String, _ snapshot: RegistrySnapshot, _ store: StoreCondition) async -> JSONValue {
        let cluster = await self.ports.cluster.cluster()
        let healthy = snapshot.services.count { self.knowledge.condition($0).status == .healthy }
        let uptime = self.ports.clocks.wall().milliseconds - self.identity.startedAt.milliseconds
        let isLeader = cluster.leader?.id == self.identity.id
        return [
            "status": .string(status), "replica_id": .string(self.identity.id),
            "role": isLeader ? "leader" : "follower", "version": .string(self.identity.version),
            "uptime": JSONValue(seconds: .milliseconds(max(0, uptime))), "epoch": .integer(snapshot.epoch.rawValue),
            "redis": [
                "connected": .bool(store.connected), "latency_ms": JSONValue(milliseconds: store.latency),
                "staleness": JSONValue(seconds: store.staleness),
            ],
            "services": ["total": JSONValue(snapshot.services.count), "healthy": JSONValue(healthy)],
            "cluster": ["replicas": JSONValue(cluster.replicas.count), "leader": JSONValue(cluster.leader?.id)],
            "draining": .bool(self.ports.replica.isDraining),
            "authentication": self.identity.authenticates ? "on" : "off",
        ]
    }
}
