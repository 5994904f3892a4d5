import Foundation
import ManagerTesting
import Synchronization
import Testing

/// Promise 4 with real processes: who was told that a switch is done never sees the version before again.
@Suite(.serialized) struct `A switch` {
    /// What everybody was told so far. Odd: a switch is under way.
    private struct Told {
        var count = 0
        var version = "v1"
    }

    private final class Witness: Sendable {
        let told = Mutex(Told())
        let isOver = Atomic(false)
        let asked = Atomic(0)
        /// Of these how many began after an answer, with no switch under way until they ended.
        let calm = Atomic(0)
        let betrayals = Mutex<[String]>([])
    }

    @Test func `that was answered holds on every replica at once`() async throws {
        try await VersionedCluster.run { cluster in
            let witness = Witness()
            let durations = try await withThrowingTaskGroup(of: Void.self) { group in
                for place in cluster.replicas.indices {
                    for _ in 0..<2 { group.addTask { try await Self.ask(cluster, at: place, witness) } }
                }
                let durations = try await Self.switchToAndFro(cluster, times: 24, witness)
                witness.isOver.store(true, ordering: .relaxed)
                try await group.waitForAll()
                return durations
            }
            #expect(witness.betrayals.withLock { $0 } == [])
            #expect(witness.asked.load(ordering: .relaxed) > 100)
            let sorted = durations.sorted()
            print(
                "switch over 3 replicas: p50 \(sorted[sorted.count / 2]), worst of \(sorted.count) \(sorted[sorted.count - 1])"
            )
        }
    }

    /// What was begun after an answer to a switch must be served by that version or a later one.
    private static func ask(_ cluster: VersionedCluster, at place: Int, _ witness: Witness) async throws {
        while !witness.isOver.load(ordering: .relaxed) {
            let before = witness.told.withLock { $0 }
            let version = try await cluster.version(at: place)
            let after = witness.told.withLock { $0 }
            witness.asked.wrappingAdd(1, ordering: .relaxed)
            let isCalm = before.count % 2 == 0 && before.count == after.count
            if isCalm { witness.calm.wrappingAdd(1, ordering: .relaxed) }
            if isCalm, version != before.version {
                witness.betrayals.withLock { $0.append("\(place) answered \(version) after \(before)") }
            }
        }
    }

    private static func switchToAndFro(
        _ cluster: VersionedCluster,
        times: Int,
        _ witness: Witness
    ) async throws -> [Duration] {
        var durations: [Duration] = []
        for turn in 0..<times {
            let version = turn % 2 == 0 ? "v2" : "v1"
            witness.told.withLock { $0.count += 1 }
            // Now and then the last replica sleeps through the order, and wakes up with requests in its hands.
            let sleeper = turn % 4 == 3 ? cluster.replicas[2] : nil
            if let sleeper { #expect(try await sleeper.pause()) }
            async let nap: Void = Self.wake(sleeper, when: version, isServedAt: turn % 2, in: cluster)
            let began = ContinuousClock.now
            let answer = try await cluster.switchTo(version, at: turn % 2)
            if sleeper == nil { durations.append(ContinuousClock.now - began) }
            #expect(answer.status == 200, "\(answer.body)")
            witness.told.withLock { $0 = Told(count: $0.count + 1, version: version) }
            if sleeper != nil {
                #expect(try await cluster.version(at: 2) == version, "the sleeper, right after the answer")
            }
            try await nap
            // As many as ask at a time.
            let enough = witness.calm.load(ordering: .relaxed) + 2 * cluster.replicas.count
            #expect(try await eventually(within: .seconds(20)) { witness.calm.load(ordering: .relaxed) >= enough })
        }
        return durations
    }

    /// The others know the new version by then, and only this one holds the answer up.
    private static func wake(
        _ replica: RunningProgram?,
        when version: String,
        isServedAt place: Int,
        in cluster: VersionedCluster
    ) async throws {
        guard let replica else { return }
        defer { replica.signal(SIGCONT) }
        let isServed = try await eventually(within: .seconds(20)) { try await cluster.version(at: place) == version }
        #expect(isServed)
    }

    @Test func `does not wait for a dead replica for longer than its lease`() async throws {
        try await VersionedCluster.run(["REPLICA_LEASE": "3", "LEADER_LEASE": "3"]) { cluster in
            cluster.replicas[2].signal(SIGKILL)
            let answer = try await cluster.switchTo("v2", at: 0)
            #expect(answer.status == 200, "\(answer.body)")
            for place in 0..<2 { #expect(try await cluster.version(at: place) == "v2") }
        }
    }

    @Test func `is known to a replica that slept through it before it serves again`() async throws {
        try await VersionedCluster.run(["REPLICA_LEASE": "3", "LEADER_LEASE": "3"]) { cluster in
            #expect(try await cluster.version(at: 2) == "v1")
            #expect(try await cluster.replicas[2].pause())
            async let early = cluster.version(at: 2)
            let answer = try await cluster.switchTo("v2", at: 0)
            #expect(answer.status == 200, "\(answer.body)")
            cluster.replicas[2].signal(SIGCONT)
            #expect(try await early == "v2", "it was in the replica's hands when it woke up")
            #expect(try await cluster.version(at: 2) == "v2")
        }
    }

    @Test func `that cannot be confirmed in time says who is behind, and is stored`() async throws {
        try await VersionedCluster.run { cluster in
            cluster.replicas[2].signal(SIGSTOP)
            let answer = try await cluster.switchTo("v2", at: 0, timeout: 1)
            #expect(answer.status == 503)
            #expect(answer.headers["x-mm-error-code"] == "epoch_not_reached")
            #expect(answer.body.contains("r3"))
            #expect(try await cluster.version(at: 1) == "v2")
            cluster.replicas[2].signal(SIGCONT)
            #expect(try await cluster.switchTo("v2", at: 1).status == 200)
            #expect(try await cluster.version(at: 2) == "v2")
        }
    }
}
