import ClusterState
import ControlLoops
import Decisions
import Gateway
import Logging
import ManagerTesting
import NIOPosix
import Registry
import Synchronization
import Testing

/// A leader that discovers, on a real Redis, with real servers to look at and a table for names.
struct DiscoveryScene: Sendable {
    let replica: FollowerReplica
    let loop: DiscoveryLoop
    let port: FakeNames
    let time: ManualTime
    let log: LogCapture
    let leadership: FakeLeadership

    static let interval = Duration.seconds(30)

    static func run(
        seeds: [String] = [],
        catalogues: [String] = [],
        _ body: @Sendable (DiscoveryScene) async throws -> Void
    ) async throws {
        let fixture = try await RedisFixture.shared()
        let namespace = fixture.prefix()
        var sources = DiscoveryLoop.Sources(interval: Self.interval)
        sources.seeds = try seeds.map { try DiscoverySeed($0) }
        sources.catalogues = try catalogues.map { try CatalogueURL($0) }
        let configured = sources
        try await FollowerReplica.run(fixture, namespace) { replica in
            try await body(DiscoveryScene(replica, configured))
        }
    }

    /// The same cluster under another leader, who remembers nothing.
    func successor(seeds: [String] = [], catalogues: [String] = []) throws -> DiscoveryScene {
        var sources = DiscoveryLoop.Sources(interval: Self.interval)
        sources.seeds = try seeds.map { try DiscoverySeed($0) }
        sources.catalogues = try catalogues.map { try CatalogueURL($0) }
        let next = DiscoveryScene(self.replica, sources)
        next.leadership.elect(Term(4_000_000_000_001))
        return next
    }

    private init(_ replica: FollowerReplica, _ sources: DiscoveryLoop.Sources) {
        let (follower, holder) = (replica.follower, replica.holder)
        let leadership = FakeLeadership(Term(4_000_000_000_000))
        self.replica = replica
        self.port = FakeNames()
        self.time = ManualTime()
        self.log = LogCapture()
        self.leadership = leadership
        self.loop = DiscoveryLoop(
            sources,
            store: SweepStore(
                state: replica.state,
                floor: { follower.floor },
                note: { follower.note($0) },
                snapshot: { holder.current }
            ),
            port: self.port,
            term: { leadership.term },
            time: self.time.time,
            logger: self.log.logger()
        )
    }

    /// So many sweeps, an interval apart, each seen by the replica's own snapshot.
    func sweep(_ times: Int = 1) async throws {
        for _ in 0..<times {
            await self.time.advance(by: Self.interval, step: Self.interval)
            await self.loop.turn()
            try await self.catchUp()
        }
    }

    func catchUp() async throws {
        guard case .full(let head) = try await self.replica.state.sync(generation: .none, since: .zero) else { return }
        #expect(await self.replica.holder.waitForEpoch(head.epoch, within: .seconds(20)))
    }

    var services: [Service] { self.replica.holder.current.services }
    var ids: [String] { self.services.map(\.id.text) }

    func events(_ kind: String) async throws -> [String] {
        try await self.replica.state.events(limit: 1000).filter { $0.kind == kind }.map(\.detail)
    }

    func api(_ id: String, at url: String, discovery: ServiceDefinition.Discovery = .static) async throws {
        var definition = ServiceDefinition(
            id: try #require(ServiceID(id)),
            url: try ServiceURL(url),
            modelType: try #require(ModelType("LSTM"))
        )
        definition.discovery = discovery
        _ = try await self.replica.state.register(definition, source: .api, floor: .zero)
        try await self.catchUp()
    }

    func apiRemoves(_ id: String) async throws {
        _ = try await self.replica.state.remove(try #require(ServiceID(id)), floor: .zero)
        try await self.catchUp()
    }
}

/// Calls go out over a real data plane; names stand for what the table says.
final class FakeNames: DiscoveryPort {
    private struct Quiet: DataPlaneNews {
        func breakerMoved(_ key: InstanceKey, to phase: BreakerPhase, trips: Int) {}
    }

    private struct State {
        var table: [String: [InstanceAddress]] = [:]
        var states: [InstanceState] = []
    }

    private let plane = DataPlane(
        settings: DataPlaneSettings(replicaID: "r1"),
        group: MultiThreadedEventLoopGroup.singleton,
        news: Quiet(),
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    )
    private let state = Mutex(State())

    /// A name without addresses cannot be resolved.
    func set(_ host: String, _ addresses: [String]) {
        self.state.withLock { $0.table[host] = addresses.compactMap { InstanceAddress($0) } }
    }

    func setStates(_ states: [InstanceState]) {
        self.state.withLock { $0.states = states }
    }

    func call(_ call: UpstreamCall) async throws(UpstreamFailure) -> UpstreamAnswer {
        try await self.plane.call(call)
    }

    func addresses(of url: ServiceURL, within limit: Duration) async throws(UpstreamFailure) -> [InstanceAddress] {
        if url.host.allSatisfy({ $0.isNumber || $0 == "." }) {
            return [InstanceAddress(host: url.host, port: url.port)]
        }
        let known = self.state.withLock { $0.table[url.host] } ?? []
        guard !known.isEmpty else { throw UpstreamFailure(kind: .resolve, detail: "\(url.host): no such name") }
        return known
    }

    func states(of service: ServiceID) -> [InstanceState] {
        self.state.withLock { $0.states.filter { $0.key.service == service } }
    }
}

/// What a server answers by the first line of a request; changes while it runs.
final class ServerTable: Sendable {
    private let table: Mutex<[String: String]>

    init(_ table: [String: String]) { self.table = Mutex(table) }

    func set(_ path: String, _ answer: String?) { self.table.withLock { $0[path] = answer } }

    static func native(_ version: String = "v1") -> ServerTable {
        let info = #"{"model_type":"LSTM","model_version":"\#(version)","capabilities":["prediction"]}"#
        return ServerTable(["GET /info": StubUpstream.json(info)])
    }

    func start() async throws -> StubUpstream {
        try await StubUpstream.start { _, request in
            let words = request.split(separator: "\r\n").first?.split(separator: " ").prefix(2) ?? []
            let missing = StubUpstream.json(#"{"detail":"Not Found"}"#, status: "404 Not Found")
            let answer = self.table.withLock { $0[words.joined(separator: " ")] } ?? missing
            return [.send(answer), .next]
        }
    }
}
