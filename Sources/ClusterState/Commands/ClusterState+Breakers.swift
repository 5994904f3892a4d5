internal import RedisClient
public import Registry

/// When breakers trip and how they come back, as every replica of a cluster is configured.
public struct BreakerRules: Hashable, Sendable {
    public var failuresInRowMax: Int
    public var failureRatioMax: Double
    public var cooldown: Duration
    /// Requests in flight in the whole cluster while half open.
    public var probesMax: Int

    public init(failuresInRowMax: Int, failureRatioMax: Double, cooldown: Duration, probesMax: Int) {
        self.failuresInRowMax = failuresInRowMax
        self.failureRatioMax = failureRatioMax
        self.cooldown = cooldown
        self.probesMax = probesMax
    }
}

/// What became of some requests of one replica at one instance.
public struct ToldOutcomes: Hashable, Sendable {
    public var instance: InstanceKey
    /// The pool that bounds its ejection, and how many members that has.
    public var pool: String
    public var poolSize: Int
    /// The cluster's, when the requests were admitted.
    public var generation: Int
    public var successes: Int
    public var failures: Int
    /// Failures after the last success; all when there was none.
    public var trailingFailures: Int

    public init(
        instance: InstanceKey,
        pool: String,
        poolSize: Int,
        generation: Int,
        successes: Int,
        failures: Int,
        trailingFailures: Int
    ) {
        self.instance = instance
        self.pool = pool
        self.poolSize = poolSize
        self.generation = generation
        self.successes = successes
        self.failures = failures
        self.trailingFailures = trailingFailures
    }

    var words: [RedisWord] {
        [RedisWord(self.instance.description), RedisWord(self.pool)]
            + [self.poolSize, self.generation, self.successes, self.failures, self.trailingFailures].map {
                RedisWord(Int64($0))
            }
    }
}

/// Names one probe over the cluster.
public struct ProbeName: Hashable, Sendable {
    public var instance: InstanceKey
    public var session: String
    /// New for each probe of the session.
    public var number: Int

    public init(instance: InstanceKey, session: String, number: Int) {
        self.instance = instance
        self.session = session
        self.number = number
    }

    var words: [String] { [self.instance.description, self.session, String(self.number)] }
}

/// How a probe ended, for the cluster.
public enum ToldProbeEnd: String, Hashable, Sendable { case success, failure, neutral }

extension ClusterState {
    /// Tells what became of requests, of at most `outcomesMax` instances in one call.
    public func reportOutcomes(
        _ told: [ToldOutcomes],
        policy: BreakerRules
    ) async throws(StateError) -> OutcomeReceipt {
        precondition(told.count <= Self.outcomesMax, "\(told.count) instances in one call")
        let head = [
            self.actor, String(policy.failuresInRowMax), String(policy.failureRatioMax),
            Self.milliseconds(policy.cooldown),
        ]
        var reply = try await self.call("breaker_report", head.map { RedisWord($0) } + told.flatMap(\.words))
        let newest = try reply.integer()
        var replies: [OutcomeReceipt.Reply] = []
        for _ in told {
            let text = try reply.text()
            guard let status = OutcomeReceipt.Status(rawValue: text) else {
                throw StateError(.unreadable, "breaker_report answered \(text)")
            }
            replies.append(.init(status: status, generation: Int(try reply.integer())))
        }
        return OutcomeReceipt(newest: newest, replies: replies)
    }

    /// What moved after the version, the oldest first; a full reading has more behind it.
    public func breakers(since version: Int64) async throws(StateError) -> BreakerReading {
        var reply = try await self.call("breaker_read", [RedisWord(version)])
        let newest = try reply.integer()
        var moved: [BreakerSight] = []
        for item in reply.rest() {
            if let sight = try BreakerSight(item) { moved.append(sight) }
        }
        return BreakerReading(newest: newest, moved: moved)
    }

    /// Asks for the right to send one request to a half-open instance. `waits`: a request was turned away for it.
    public func askForProbe(
        _ probe: ProbeName,
        policy: BreakerRules,
        ttl: Duration,
        waits: Bool
    ) async throws(StateError) -> ProbeReply {
        let terms = [
            String(policy.probesMax), Self.milliseconds(ttl), Self.milliseconds(policy.cooldown), waits ? "1" : "0",
        ]
        var reply = try await self.call("breaker_probe", (probe.words + terms).map { RedisWord($0) })
        switch try reply.text() {
        case "granted": return .granted
        case "taken": return .taken
        case "open": return .open(.milliseconds(try reply.integer()))
        case "closed": return .closed(generation: Int(try reply.integer()))
        case "lapsed": return .lapsed
        case let status: throw StateError(.unreadable, "breaker_probe answered \(status)")
        }
    }

    /// Tells how a probe ended. One that the cluster no longer knows changes nothing.
    public func endProbe(_ probe: ProbeName, _ end: ToldProbeEnd, policy: BreakerRules) async throws(StateError) {
        let words = probe.words + [end.rawValue, Self.milliseconds(policy.cooldown)]
        _ = try await self.call("breaker_probe_end", words.map { RedisWord($0) })
    }

    /// Forgets the breakers of instances that have left the registry.
    public func forgetBreakers(of instances: [InstanceKey]) async throws(StateError) {
        guard !instances.isEmpty else { return }
        _ = try await self.call("breaker_forget", instances.map { RedisWord($0.description) })
    }

    /// Keeps a call below a few milliseconds in Redis.
    public static let outcomesMax = 64
}
