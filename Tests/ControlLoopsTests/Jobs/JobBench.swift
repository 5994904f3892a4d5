import ClusterState
import ControlLoops
import Decisions
import Logging
import ManagerTesting
import RedisClient
import Registry
import Testing

/// A cluster of job runners over a real Redis, with services that need not exist.
struct JobBench: Sendable {
    let state: ClusterState
    let port: any TrainerPort
    let services: [Service]
    let reader: Redis
    let namespace: String

    /// Over the Redis that all tests share, unless one that may be harmed is given.
    static func run(
        _ services: [Service],
        port: any TrainerPort,
        over own: RedisFixture? = nil,
        _ body: @Sendable (JobBench) async throws -> Void
    ) async throws {
        let shared = try await RedisFixture.shared()
        let fixture = own ?? shared
        let namespace = fixture.prefix()
        try await fixture.withClient(library: ClusterState.library) { redis in
            try await fixture.withClient(purpose: .blockingReads) { reader in
                let state = ClusterState(redis: redis, namespace: namespace)
                try await body(
                    JobBench(state: state, port: port, services: services, reader: reader, namespace: namespace)
                )
            }
        }
    }

    static func service(
        _ name: String,
        at url: String? = nil,
        change: (inout ServiceDefinition) -> Void = { _ in }
    ) throws -> Service {
        var definition = ServiceDefinition(
            id: try #require(ServiceID(name)),
            url: try ServiceURL(url ?? "http://\(name):8000"),
            modelType: try #require(ModelType("LSTM")),
            capabilities: ["training"]
        )
        change(&definition)
        return Service(
            definition: definition,
            source: .api,
            registeredAt: Timestamp(milliseconds: 0),
            registeredEpoch: Epoch(1),
            epoch: Epoch(1)
        )
    }

    /// A replica's session with what it hears, and its runner.
    private func replica(_ name: String) -> (session: Membership, signals: SignalListener, runner: JobRunner) {
        let logger = Logger(label: name, factory: { _ in SwiftLogNoOpLogHandler() })
        let membership = Samples.membership(name, state: self.state, logger: logger)
        let feed = SignalFeed(redis: self.reader, namespace: self.namespace)
        let signals = SignalListener(feed: feed, logger: logger)
        let snapshot = RegistrySnapshot(epoch: Epoch(1), services: self.services, pointers: [:])
        let runner = JobRunner(
            state: self.state,
            membership: membership,
            signals: signals,
            port: self.port,
            snapshot: { snapshot },
            timeout: .seconds(5),
            policy: Self.quick,
            logger: logger
        )
        return (membership, signals, runner)
    }

    static var quick: JobPolicy {
        var policy = JobPolicy()
        policy.pollFirst = .milliseconds(10)
        policy.pollMax = .milliseconds(50)
        policy.lookAgain = .milliseconds(100)
        policy.findingMax = .seconds(1)
        return policy
    }

    /// Runs a replica for as long as `body` takes. It leaves as a replica does: first its runner, then its session.
    func withReplica(_ name: String = "r1", _ body: () async throws -> Void) async throws {
        let replica = self.replica(name)
        try await withThrowingTaskGroup(of: Void.self) { session in
            session.addTask { try await replica.session.run() }
            session.addTask { try await replica.signals.run() }
            defer { session.cancelAll() }
            try await withThrowingTaskGroup(of: Void.self) { runner in
                runner.addTask { try await replica.runner.run() }
                defer { runner.cancelAll() }
                try await body()
            }
        }
    }

    func submit(_ body: String = #"{"model_type":"LSTM"}"#) async throws -> JobID {
        var random = SystemRandomNumberGenerator()
        let id = JobID(random: random.next())
        let request = try TrainingRequest.read(JSONValue.parse(body))
        _ = try await self.state.submit(JobOrder(id: id, key: nil, request: request, body: Array(body.utf8)))
        return id
    }

    /// The job as soon as it is so; fails when that takes too long.
    func job(_ id: JobID, _ holds: @escaping @Sendable (Job) -> Bool = { $0.status.isEnd }) async throws -> Job {
        let state = self.state
        let isSo = try await eventually(within: .seconds(60)) { try await state.job(id).map(holds) ?? false }
        let job = try #require(try await self.state.job(id))
        #expect(isSo, "\(job)")
        return job
    }
}
