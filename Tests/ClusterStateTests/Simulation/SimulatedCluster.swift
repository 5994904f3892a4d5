import ClusterFunctions
import ClusterState
import Decisions
import Foundation
import ManagerTesting
import RedisClient
import Registry
import Testing

/// A world in which several replicas' machines meet the real functions: time is virtual, the network loses, delays and
/// reorders calls, and Redis' wall clock can be set. One seed makes one history.
struct SimulatedCluster {
    let redis: Redis
    let state: ClusterState
    var random: SeededRandom
    var now = Instant(nanoseconds: 1_000_000_000_000)
    /// How far Redis' wall clock is from virtual time.
    var clockOffset = Duration.zero

    /// Edits change lines of the Lua source, to see what breaks without them.
    static func run(
        _ random: SeededRandom,
        edits: [(String, String)] = [],
        adding: String = "",
        _ body: (SimulatedCluster) async throws -> Void
    ) async throws {
        let fixture = try await RedisFixture.shared()
        let namespace = fixture.prefix()
        let clock = ("redis.call('TIME')", "redis.call('HMGET', 'mm:{\(namespace)}:clock', 's', 'us')")
        let library = try self.library([clock] + edits, adding: adding)
        try await fixture.withClient(library: library) { redis in
            let state = ClusterState(redis: redis, namespace: namespace)
            try await body(SimulatedCluster(redis: redis, state: state, random: random))
        }
    }

    /// The functions, with lines changed and others added.
    static func library(_ edits: [(String, String)], adding addition: String = "") throws -> RedisLibrary {
        var source = ClusterFunctions.parts.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "\n")
        for (line, replacement) in edits {
            try #require(source.ranges(of: line).count == 1, "the source has one place that says \(line)")
            source = source.replacing(line, with: replacement)
        }
        return RedisLibrary(base: ClusterFunctions.libraryName, parts: [Array((source + "\n" + addition).utf8)])
    }

    /// A few histories in every test run; `SIMULATIONS=` in the environment asks for more.
    static func seeds() -> [SeededRandom] {
        SeededRandom.runs(ProcessInfo.processInfo.environment["SIMULATIONS"].flatMap { Int($0) } ?? 3)
    }

    /// Gives Redis the time that it has in this world; before each call that it carries out.
    func setClock() async throws {
        let wall = self.now.nanoseconds / 1000 + 1_700_000_000_000_000 + self.clockOffset.inNanoseconds / 1000
        let key = RedisWord(self.state.keys.prefix + "clock")
        let second = RedisWord(wall / 1_000_000)
        _ = try await self.redis.send(["HSET", key, "s", second, "us", RedisWord(wall % 1_000_000)])
    }

    mutating func stepClock() {
        self.clockOffset = .seconds(Int.random(in: -3600...3600, using: &self.random))
    }

    mutating func milliseconds(_ range: ClosedRange<Int>) -> Duration {
        .milliseconds(Int.random(in: range, using: &self.random))
    }

    /// True in so many of a hundred cases.
    mutating func chance(_ percent: Int) -> Bool {
        Int.random(in: 0..<100, using: &self.random) < percent
    }
}

extension ClusterState {
    /// Opens a session, or extends it, for a world without late beats.
    func keepSession(_ session: String, _ status: ReplicaReport) async throws -> BeatReply {
        let reply = try await self.beat(session, for: .seconds(6), sentAt: nil, status)
        guard case .extended = reply else { return reply }
        return try await self.beat(session, for: .seconds(6), sentAt: .max, status)
    }
}

extension SessionMachine.Answer {
    /// What `Membership` makes of a reply.
    init(_ reply: BeatReply, of session: String) {
        switch reply {
        case .opened(let sight), .extended(let sight):
            self = .kept(remaining: sight.remaining(of: session), clock: sight.leaseClock)
        case .lapsed: self = .lapsed
        }
    }
}

/// What is going to happen, in the order of time; of two things at one time, the one planned first.
struct Agenda<Event> {
    private var items: [(at: Instant, order: Int, event: Event)] = []
    private var planned = 0

    mutating func plan(_ event: Event, at: Instant) {
        self.planned += 1
        self.items.append((at, self.planned, event))
        var child = self.items.count - 1
        while child > 0, self.isBefore(child, (child - 1) / 2) {
            self.items.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func next() -> (at: Instant, event: Event)? {
        guard !self.items.isEmpty else { return nil }
        self.items.swapAt(0, self.items.count - 1)
        let item = self.items.removeLast()
        var parent = 0
        while true {
            let children = [2 * parent + 1, 2 * parent + 2].filter { $0 < self.items.count }
            guard let child = children.min(by: { self.isBefore($0, $1) }), self.isBefore(child, parent) else { break }
            self.items.swapAt(parent, child)
            parent = child
        }
        return (item.at, item.event)
    }

    private func isBefore(_ left: Int, _ right: Int) -> Bool {
        (self.items[left].at, self.items[left].order) < (self.items[right].at, self.items[right].order)
    }
}
