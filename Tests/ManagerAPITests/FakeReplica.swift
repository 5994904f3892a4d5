import ClusterState
import Gateway
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import Registry
import Synchronization

@testable import ManagerAPI

/// A replica without store, data plane and probes: what the routes ask for is answered from what a test put here.
final class FakeReplica: Sendable {
    struct State {
        var snapshot: RegistrySnapshot? = RegistrySnapshot.empty
        /// What the store has that the snapshot may not have yet.
        var stored: [ServiceID: Service] = [:]
        var storeIsAway = false
        var isDraining = false
        var heartbeat: Heartbeat = .unlimited
        var states: [ServiceID: [InstanceState]] = [:]
        var reports: [ServiceID: HealthReport] = [:]
        var probed: [ServiceID] = []
        var statistics = DataPlaneStatistics()
        /// What callers of all replicas got; nil: the store cannot be asked.
        var served: ServedTraffic?
        var versionTraffic: [VersionTraffic] = []
        var explanation = Explanation(candidates: [], wouldPick: nil, problem: nil)
        var exchanged: [GatewayRequest] = []
        /// What instances say to questions of the manager's own; nil: they cannot be reached.
        var told: @Sendable (UpstreamCall) -> UpstreamAnswer? = { _ in nil }
        var answer: @Sendable (GatewayRequest) async -> GatewayAnswer = { request in
            GatewayAnswer(
                status: 200,
                headers: [("content-type", "application/json")],
                body: FakeReplica.body([request.body])
            )
        }
        var events: [ClusterEvent] = []
        var jobs: (any JobBoard)?
        var access: AccessGuard?
        /// The replica begins to leave when its log has no more news.
        var leavesAfterEvents = false
        var calls: [String] = []
        /// What the store says to the next order about a model.
        var modelReply = ModelReply.same(Epoch(7))
        var evaluationReply = EvaluationReply.queued
        /// Who never comes to know a switch.
        var behind: [ReplicaBehind] = []
        var now = Instant(nanoseconds: 1_000_000_000_000)
        /// Requests that other replicas have in flight at services that drain.
        var heldByOthers = 0
        /// Called by every sleep, so that a test can let time do something.
        var whileSleeping: @Sendable (inout State) -> Void = { _ in }
        /// Whether a change reaches the snapshot, as the follower would see to.
        var follows = true
        /// Whether it reaches the snapshot when somebody waits for it.
        var catchesUp = false
    }

    let state = Mutex(State())
    static let started = Timestamp(milliseconds: 1_760_000_000_000)

    func edit<Value: Sendable>(_ change: (inout State) -> sending Value) -> Value {
        self.state.withLock { change(&$0) }
    }

    var ports: FacePorts {
        var ports = self.portsWithoutModels
        ports.models = self
        ports.jobs = self.edit { $0.jobs }
        return ports
    }

    private var portsWithoutModels: FacePorts {
        FacePorts(
            commands: self,
            snapshots: self,
            traffic: self,
            health: self,
            store: self,
            cluster: self,
            events: self,
            replica: self,
            clocks: ReplicaClocks(
                monotonic: { self.edit { $0.now } },
                wall: { Timestamp(milliseconds: Self.started.milliseconds + 60_000) },
                sleep: { duration in
                    self.edit { state in
                        state.now = state.now + duration
                        state.whileSleeping(&state)
                    }
                }
            )
        )
    }

    var identity: ReplicaIdentity { ReplicaIdentity(id: "r1", version: "1.0.0", startedAt: Self.started) }

    func face(_ change: (inout FaceSettings) -> Void = { _ in }) -> ManagerFace {
        var settings = FaceSettings()
        change(&settings)
        return ManagerFace(
            ports: self.ports,
            identity: self.identity,
            settings: settings,
            access: self.edit { $0.access },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    /// Sends one request through the routes.
    func send(
        _ method: HTTPRequest.Method,
        _ uri: String,
        headers: HTTPFields = [:],
        body: String? = nil,
        settings: (inout FaceSettings) -> Void = { _ in }
    ) async throws -> TestResponse {
        var headers = headers
        if body != nil, headers[.contentType] == nil { headers[.contentType] = "application/json" }
        let application = Application(responder: self.face(settings).responder)
        let sent = headers
        return try await application.test(.router) { client in
            try await client.execute(uri: uri, method: method, headers: sent, body: body.map { ByteBuffer(string: $0) })
        }
    }

    /// Registers as if the store and the snapshot had it.
    func add(_ id: String, type: String = "LSTM", change: (inout Service) -> Void = { _ in }) throws {
        var service = try Self.service(id, type: type)
        change(&service)
        self.edit { Self.put(service, &$0) }
    }

    static func service(_ id: String, type: String = "LSTM", epoch: Int64 = 7) throws -> Service {
        guard let id = ServiceID(id), let type = ModelType(type) else { throw Problem(.validationError, "bad name") }
        var definition = ServiceDefinition(id: id, url: try ServiceURL("http://\(id):8000"), modelType: type)
        definition.capabilities = ["prediction"]
        return Service(
            definition: definition,
            source: .api,
            registeredAt: Self.started,
            registeredEpoch: Epoch(epoch),
            epoch: Epoch(epoch)
        )
    }

    static func body(_ parts: [ByteBuffer]) -> AsyncThrowingStream<ByteBuffer, any Error> {
        AsyncThrowingStream { continuation in
            for part in parts { continuation.yield(part) }
            continuation.finish()
        }
    }

    fileprivate static func put(_ service: Service, _ state: inout State) {
        state.stored[service.id] = service
        guard state.follows else { return }
        let epoch = max(state.snapshot?.epoch ?? .zero, service.epoch)
        state.snapshot = RegistrySnapshot(epoch: epoch, services: Array(state.stored.values), pointers: [:])
    }
}

extension FakeReplica: RegistryCommands {
    func register(_ definition: ServiceDefinition) async throws(Problem) -> CommittedChange {
        try self.command("register \(definition.id)") { state throws(Problem) in
            let known = state.stored[definition.id]
            let epoch = Epoch((state.snapshot?.epoch.rawValue ?? 0) + 1)
            let service = Service(
                definition: definition,
                source: .api,
                registeredAt: known?.registeredAt ?? Self.started,
                registeredEpoch: known?.registeredEpoch ?? epoch,
                epoch: epoch
            )
            if let known, known.definition == definition {
                return CommittedChange(kind: .unchanged, epoch: known.epoch, service: known)
            }
            Self.put(service, &state)
            return CommittedChange(kind: known == nil ? .created : .changed, epoch: epoch, service: service)
        }
    }

    func change(_ id: ServiceID, _ patch: ServicePatch) async throws(Problem) -> CommittedChange {
        try self.alter(id, "change \(id)") { service in
            service.definition = patch.applied(to: service.definition)
        }
    }

    func setDraining(_ id: ServiceID, to draining: Bool) async throws(Problem) -> CommittedChange {
        try self.alter(id, "drain \(id) \(draining)") { $0.isDraining = draining }
    }

    func remove(_ id: ServiceID) async throws(Problem) -> CommittedChange {
        try self.command("remove \(id)") { state throws(Problem) in
            guard state.stored.removeValue(forKey: id) != nil else {
                throw Problem(.serviceNotFound, "there is no service \(id)")
            }
            let epoch = Epoch((state.snapshot?.epoch.rawValue ?? 0) + 1)
            state.snapshot = RegistrySnapshot(epoch: epoch, services: Array(state.stored.values), pointers: [:])
            return CommittedChange(kind: .removed, epoch: epoch, service: nil)
        }
    }

    func heartbeat(_ id: ServiceID) async throws(Problem) -> Heartbeat {
        try self.command("heartbeat \(id)") { state throws(Problem) in
            guard state.stored[id] != nil else { throw Problem(.serviceNotFound, "there is no service \(id)") }
            return state.heartbeat
        }
    }

    func service(_ id: ServiceID) async throws(Problem) -> Service? {
        try self.command("read \(id)") { state throws(Problem) in state.stored[id] }
    }

    func storeEpoch() async throws(Problem) -> Epoch {
        try self.command("epoch") { state throws(Problem) in
            state.stored.values.map(\.epoch).max() ?? .zero
        }
    }

    private func alter(
        _ id: ServiceID,
        _ name: String,
        _ change: (inout Service) -> Void
    ) throws(Problem) -> CommittedChange {
        try self.command(name) { state throws(Problem) in
            guard var service = state.stored[id] else {
                throw Problem(.serviceNotFound, "there is no service \(id)")
            }
            change(&service)
            service.epoch = Epoch((state.snapshot?.epoch.rawValue ?? 0) + 1)
            Self.put(service, &state)
            return CommittedChange(kind: .changed, epoch: service.epoch, service: service)
        }
    }

    private func command<Value: Sendable>(
        _ name: String,
        _ work: (inout State) throws(Problem) -> Value
    ) throws(Problem) -> Value {
        let result: Result<Value, Problem> = self.edit { state in
            state.calls.append(name)
            guard !state.storeIsAway else {
                return .failure(Problem(.storeUnavailable, "Redis is away", retryAfter: 2))
            }
            do throws(Problem) {
                return .success(try work(&state))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}

extension FakeReplica: SnapshotReads, HealthReports, StoreStatus, ClusterView, ReplicaStatus {
    var snapshot: RegistrySnapshot? { self.edit { $0.snapshot } }

    func waitForEpoch(_ epoch: Epoch, within limit: Duration) async -> Bool {
        self.edit { state in
            state.calls.append("wait \(epoch) \(limit.inSeconds)")
            if state.catchesUp {
                state.snapshot = RegistrySnapshot(epoch: epoch, services: Array(state.stored.values), pointers: [:])
            }
            return (state.snapshot?.epoch ?? .zero) >= epoch
        }
    }

    func report(of service: ServiceID) async -> HealthReport { self.edit { $0.reports[service] ?? HealthReport() } }

    func probeNow(_ service: ServiceID) async { self.edit { $0.probed.append(service) } }

    var storeStatus: StoreCondition {
        self.edit { state in
            StoreCondition(
                connected: !state.storeIsAway,
                latency: .microseconds(250),
                staleness: state.storeIsAway ? .seconds(12) : .zero
            )
        }
    }

    func cluster() async -> ClusterCondition {
        let replica = ClusterCondition.Replica(
            id: "r1",
            role: .leader,
            epoch: self.snapshot?.epoch ?? .zero,
            inFlight: 0,
            startedAt: Self.started,
            version: "1.0.0"
        )
        return ClusterCondition(replicas: [replica], leader: .init(id: "r1", term: 1))
    }

    func othersMayHold(_ service: ServiceID, drainingSince epoch: Epoch) async -> Bool {
        self.edit { $0.heldByOthers > 0 }
    }

    func servedTraffic() async -> ServedTraffic? { self.edit { $0.served } }

    var isDraining: Bool { self.edit { $0.isDraining } }
}

extension FakeReplica: Traffic, EventLog {
    func exchange(_ request: GatewayRequest) async -> GatewayAnswer {
        let answer = self.edit { state in
            state.exchanged.append(request)
            return state.answer
        }
        return await answer(request)
    }

    func statistics() async -> DataPlaneStatistics { self.edit { $0.statistics } }

    func versionTraffic() async -> [VersionTraffic] { self.edit { $0.versionTraffic } }

    func states(of service: ServiceID) -> [InstanceState] { self.edit { $0.states[service] ?? [] } }

    func call(_ call: UpstreamCall) async throws(UpstreamFailure) -> UpstreamAnswer {
        let answer = self.edit { state in
            state.calls.append("\(call.method) \(call.url)\(call.path)")
            return state.told
        }(call)
        guard let answer else { throw UpstreamFailure(kind: .connectRefused, detail: "not in this test") }
        return answer
    }

    func explain(modelType: ModelType, version: ModelVersion, capability: String) -> Explanation {
        self.edit { state in
            state.calls.append("explain \(modelType) \(version) \(capability)")
            return state.explanation
        }
    }

    /// Waits its whole `wait` when there is nothing: whoever follows would ask again at once, and for ever.
    func events(after: String?, limit: Int, wait: Duration) async throws(Problem) -> [ClusterEvent] {
        if self.edit({ $0.storeIsAway }) { throw Problem(.storeUnavailable, "the store is away") }
        let rest = self.edit { state in
            let rest = state.events.drop { event in after.map { event.id <= $0 } ?? false }
            if rest.isEmpty, state.leavesAfterEvents { state.isDraining = true }
            return Array(after == nil ? rest.suffix(limit) : rest.prefix(limit))
        }
        if rest.isEmpty { try? await ContinuousClock().sleep(for: wait) }
        return rest
    }
}
