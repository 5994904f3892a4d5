import ClusterState
import ControlLoops
import Foundation
import Glibc
import ManagerTesting
import Registry
import Synchronization
import Testing

/// A follower behind a Redis, or a network before it, that misbehaves in one way after the other.
@Suite(.timeLimit(.minutes(5))) struct `Whatever befalls Redis,` {
    /// What a trouble is done to.
    struct Scene: Sendable {
        let redis: RedisFixture
        let port: Int
        let proxy: ChaosProxy

        /// Past the proxy, as an operator would.
        func tell(_ line: String) async { _ = await RedisText.ask(self.port, line) }

        func says(_ text: String, _ line: String) async -> Bool { await RedisText.ask(self.port, line).contains(text) }
    }

    /// What becomes of changes, and of what the replica says of itself.
    enum Effect: Sendable {
        /// Changes are refused, and what is known is stale.
        case away
        /// Changes are refused; others' are still seen.
        case readsOnly
        /// Nothing.
        case none
        /// It passes by itself; what happens meanwhile depends on when one looks.
        case passing
    }

    struct Trouble: Sendable, CustomStringConvertible {
        let description: String
        let effect: Effect
        let begin: @Sendable (Scene) async throws -> Void
        let end: @Sendable (Scene) async throws -> Void

        init(
            _ description: String,
            _ effect: Effect,
            begin: @escaping @Sendable (Scene) async throws -> Void,
            end: @escaping @Sendable (Scene) async throws -> Void = { _ in }
        ) {
            (self.description, self.effect, self.begin, self.end) = (description, effect, begin, end)
        }

        /// A line that an operator types, and the one that takes it back.
        init(_ description: String, _ effect: Effect, _ begin: String, _ end: String) {
            self.init(description, effect, begin: { await $0.tell(begin) }, end: { await $0.tell(end) })
        }

        /// The network in one mode, for connections that are open and new ones.
        init(_ description: String, _ effect: Effect, _ mode: ChaosProxy.Mode) {
            self.init(description, effect) {
                $0.proxy.set(mode)
                if mode == .refusing { $0.proxy.cut() }
            } end: {
                $0.proxy.set(.passing)
            }
        }
    }

    static let network: [Trouble] = [
        Trouble("nothing arrives", .away, .blackhole),
        Trouble("connections are refused", .away, .refusing),
        Trouble("replies are garbage", .away, .garbled),
        Trouble("replies end in the middle", .away, .halved),
        Trouble("everything comes late", .none, .delayed(.milliseconds(60))),
        Trouble("the server forgot our connections", .passing, begin: { $0.proxy.halfOpen() }),
        Trouble("connections end", .passing, begin: { $0.proxy.cut() }),
    ]

    static let server: [Trouble] = [
        Trouble("it hangs", .away, begin: { $0.redis.signal(SIGSTOP) }, end: { $0.redis.signal(SIGCONT) }),
        Trouble("READONLY: it became a replica", .away, "REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE"),
        Trouble("OOM", .readsOnly, "CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0"),
        Trouble("NOREPLICAS", .readsOnly, "CONFIG SET min-replicas-to-write 1", "CONFIG SET min-replicas-to-write 0"),
        Trouble("NOPERM", .away, "ACL SETUSER default -fcall -fcall_ro", "ACL SETUSER default +@all"),
        Trouble("WRONGTYPE: the log is a text", .away, "SET mm:{t}:log x", "DEL mm:{t}:log"),
        Trouble("its functions are gone", .passing, begin: { await $0.tell("FUNCTION FLUSH") }),
        Trouble("BUSY", .passing) { scene in
            let script = #"local e = 0; for i = 1, 60000000 do e = e + i end; return 1"#
            await scene.tell("CONFIG SET busy-reply-threshold 20")
            await scene.tell("EVAL \"\(script)\" 0")
        },
        Trouble("MISCONF: it cannot save", .readsOnly) { scene in
            mkdir("\(scene.redis.directory)/dump.rdb", 0o700)
            mkdir("\(scene.redis.directory)/dump.rdb/in-the-way", 0o700)
            await scene.tell("CONFIG SET save \"3600 1\"")
            await scene.tell("BGSAVE")
            _ = try await eventually(within: .seconds(10)) {
                await scene.says("rdb_last_bgsave_status:err", "INFO persistence")
            }
        } end: {
            await $0.tell("CONFIG SET save \"\"")
        },
    ]

    @Test(arguments: network + server) func `what is known stays, and it is followed again`(
        trouble: Trouble
    ) async throws {
        let (redis, port) = try await RedisFixture.startListening { ["--port", "\($0)"] }
        let scene = Scene(redis: redis, port: port, proxy: try await ChaosProxy.start(before: redis))
        try await FollowerReplica.run(redis, "t", through: scene.proxy) { replica in
            for id in ["a", "b", "c"] { try await replica.register(id) }
            let fewest = Mutex(3)
            replica.holder.subscribe { snapshot in fewest.withLock { $0 = min($0, snapshot.services.count) } }
            try await trouble.begin(scene)
            try await Self.expect(trouble.effect, replica)
            try await trouble.end(scene)
            let isBack = try await eventually(within: .seconds(15)) {
                guard replica.contact.staleness == nil else { return false }
                return (try? await replica.register("after")) != nil
            }
            #expect(isBack)
            let isWhole = try await eventually(within: .seconds(15)) {
                replica.holder.current.services.map(\.id.text).filter { $0 != "refused" } == ["a", "after", "b", "c"]
            }
            #expect(isWhole, "\(replica.holder.current.services.map(\.id.text))")
            #expect(fewest.withLock { $0 } == 3, "no snapshot lacked a service")
        }
        await scene.proxy.stop()
        await redis.stop()
    }

    private static func expect(_ effect: Effect, _ replica: FollowerReplica) async throws {
        switch effect {
        case .passing: return
        case .away:
            // A server that became a replica is found out by a write; a whole replica writes a beat every second.
            try await self.expectRefusal(replica)
            #expect(try await eventually(within: .seconds(15)) { replica.contact.staleness != nil })
        case .readsOnly:
            try await self.expectRefusal(replica)
            #expect(try await !happens(within: .seconds(3)) { replica.contact.staleness != nil })
        case .none:
            try await replica.register("during")
            #expect(try await !happens(within: .seconds(3)) { replica.contact.staleness != nil })
            let id = try FollowerReplica.id("during")
            let removed = try await replica.state.remove(id, floor: replica.follower.floor)
            replica.follower.note(removed.entry)
        }
    }

    /// Not `register` of the replica, which waits for its snapshot.
    private static func expectRefusal(_ replica: FollowerReplica) async throws {
        let definition = try Samples.definition("refused")
        do throws(StateError) {
            _ = try await replica.state.register(definition, source: .api, floor: replica.follower.floor)
            Issue.record("it was not refused")
        } catch {
            // It may have been carried out all the same, when nobody answered.
            #expect([.unavailable, .unreadable].contains(error.code), "\(error)")
        }
    }
}
