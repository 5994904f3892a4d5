import ClusterState
import Foundation
import ManagerTesting
import RedisClient
import Registry
import Testing

/// `REDIS_REPLICAS`, with a primary and a replica of it that can be stopped.
@Suite(.timeLimit(.minutes(5))) struct `A change that waits for Redis replicas` {
    /// A primary, its replica, and the state of a cluster whose changes wait for that one.
    struct Pair: Sendable {
        let primary: RedisFixture
        let replica: RedisFixture
        let replicaPort: Int
        let state: ClusterState

        func register(_ id: String) async throws -> Durability? {
            try await self.state.register(try Samples.definition(id), source: .api, floor: .zero).durability
        }

        /// On a busy machine a replica may need longer than a wait; to say the same again is to wait again.
        func becomesReplicated(_ id: String) async throws -> Bool {
            try await eventually(within: .seconds(20)) { try await self.register(id) == .replicated }
        }

        /// How many `WAIT`s the primary has seen.
        func waits() async throws -> Int {
            let text = try await self.primary.withClient { try await $0.send(["INFO", "commandstats"]).string ?? "" }
            return text.firstMatch(of: /cmdstat_wait:calls=([0-9]+)/).flatMap { Int($0.1) } ?? 0
        }
    }

    static func withPair(_ body: (Pair) async throws -> Void) async throws {
        let (primary, port) = try await RedisFixture.startListening {
            ["--port", "\($0)", "--repl-diskless-sync-delay", "0"]
        }
        let (replica, replicaPort) = try await RedisFixture.startListening {
            ["--port", "\($0)", "--replicaof", "127.0.0.1", "\(port)"]
        }
        try await primary.withClient(library: ClusterState.library) { commands in
            try await primary.withClient(library: ClusterState.library) { changes in
                let isFollowed = try await eventually(within: .seconds(20)) {
                    try await commands.send(["INFO", "replication"]).string?.contains("state=online") == true
                }
                try #require(isFollowed)
                let state = ClusterState(redis: commands, namespace: "t", changes: (changes, 1))
                try await body(Pair(primary: primary, replica: replica, replicaPort: replicaPort, state: state))
            }
        }
        replica.signal(SIGCONT)
        await replica.stop()
        await primary.stop()
    }

    @Test func `says whether they have it`() async throws {
        try await Self.withPair { pair in
            #expect(try await pair.becomesReplicated("a"))
            #expect(await RedisText.ask(pair.replicaPort, "EXISTS mm:{t}:service:a").hasPrefix(":1"))
            pair.replica.signal(SIGSTOP)
            #expect(try await pair.register("b") == .stored)
            let drained = try await pair.state.drain(Samples.id("a"), true, floor: .zero)
            #expect(drained.durability == .stored)
            let (type, alias) = try (#require(ModelType("LSTM")), #require(ModelVersion("stable")))
            guard
                case .changed(let change) = try await pair.state.pointAlias(alias, of: type, at: .unnamed, floor: .zero)
            else {
                throw StateSurprise()
            }
            #expect(change.durability == .stored)
            pair.replica.signal(SIGCONT)
            #expect(try await pair.becomesReplicated("c"))
        }
    }

    @Test func `is not waited for unless somebody asked`() async throws {
        try await withState { state in
            let committed = try await state.register(try Samples.definition("a"), source: .api, floor: .zero)
            #expect(committed.durability == nil)
        }
    }

    @Test func `shares its wait with all that come meanwhile`() async throws {
        try await Self.withPair { pair in
            pair.replica.signal(SIGSTOP)
            let count = 200
            try await withThrowingTaskGroup(of: Durability?.self) { group in
                for number in 0..<count { group.addTask { try await pair.register("s\(number)") } }
                for try await durability in group { #expect(durability == .stored) }
            }
            let waits = try await pair.waits()
            #expect(waits >= 1 && waits < count / 4, "\(waits) waits for \(count) changes")
        }
    }

    @Test func `is carried by the next one when who carries it leaves`() async throws {
        try await Self.withPair { pair in
            pair.replica.signal(SIGSTOP)
            for round in 0..<10 {
                let before = try await pair.waits()
                let leaving = Task { try await pair.register("leaving\(round)") }
                async let staying = pair.register("staying\(round)")
                async let another = pair.register("another\(round)")
                // At once, or when a wait is under way; whoever carries then carries it for the others.
                if round % 2 == 1 {
                    #expect(try await eventually(within: .seconds(20)) { try await pair.waits() > before })
                }
                leaving.cancel()
                #expect(try await [staying, another] == [.stored, .stored])
            }
        }
    }

    @Test func `brings the functions to a server that lost them`() async throws {
        try await Self.withPair { pair in
            #expect(try await pair.register("a") != nil)
            try await pair.primary.withClient { _ = try await $0.send(["FUNCTION", "FLUSH"]) }
            #expect(try await pair.register("b") != nil)
        }
    }
}
