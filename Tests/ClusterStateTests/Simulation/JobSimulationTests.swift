import ClusterState
import ManagerTesting
import Registry
import Testing

/// Runners that die, pause and lose words at every step of a job: no training begins twice, no key is seen twice, and
/// every job ends with a status that is true.
@Suite struct `Jobs in a world of trouble` {
    private struct Verdict {
        var keySeenMost = 0
        var begunMost = 0
        /// Ends that say something else than what happened.
        var lies: [String] = []
        var ends: [JobStatus: Int] = [:]
    }

    private func verdict(_ seed: SeededRandom, edits: [(String, String)] = []) async throws -> Verdict {
        var verdict = Verdict()
        try await SimulatedCluster.run(seed, edits: edits) { cluster in
            var world = try JobWorld(cluster, runners: 3, trainers: 3)
            for job in try await world.run(jobs: 12) {
                let begun = world.begun(job.id)
                verdict.begunMost = max(verdict.begunMost, begun)
                verdict.ends[job.status, default: 0] += 1
                let isTrue =
                    switch job.status {
                    case .succeeded: begun == 1
                    case .interrupted: job.maybeStarted || begun == 1
                    case .failed, .cancelled: begun == 0 || job.maybeStarted
                    case .queued, .running: false
                    }
                if !isTrue { verdict.lies.append("\(job.id) \(job.status) \(begun) \(job.maybeStarted)") }
            }
            verdict.keySeenMost = world.trainers.flatMap(\.seen.values).max() ?? 0
        }
        return verdict
    }

    @Test(arguments: SimulatedCluster.seeds()) func `no training begins twice, and every end is true`(
        seed: SeededRandom
    ) async throws {
        let verdict = try await self.verdict(seed)
        #expect(verdict.keySeenMost == 1)
        #expect(verdict.begunMost == 1)
        #expect(verdict.lies == [])
        #expect(verdict.ends.values.reduce(0, +) == 12, "every job ends")
        #expect(verdict.ends[.succeeded, default: 0] > 0, "\(verdict.ends)")
    }

    /// What each mechanism is for: without it the same world shows a training twice, or a key.
    @Test(arguments: [
        (
            "redis.call('HSET', key, 'phase', 'finding', 'maybe_started', 'true', 'finding_since', text(clock))",
            "redis.call('HSET', key, 'phase', 'preparing', 'status', 'queued', 'asked', '')"
        ),
        (
            "if stored[2] ~= session or not is_live(prefix, session, clock) then return 'lost' end", ""
        ),
    ]) func `without the mechanism a training begins twice`(line: String, replacement: String) async throws {
        var worst = 0
        for seed in 1...12 where worst < 2 {
            let verdict = try await self.verdict(SeededRandom(seed: UInt64(seed)), edits: [(line, replacement)])
            worst = max(worst, verdict.begunMost)
        }
        #expect(worst > 1)
    }
}
