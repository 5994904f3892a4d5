import ClusterState
import ControlLoops
import Logging
import ManagerTesting
import Testing

/// Two replicas that were given one id, over a real Redis.
@Suite struct `Two replicas of one name` {
    @Test func `tell their operator, once each`() async throws {
        let fixture = try await RedisFixture.shared()
        let namespace = fixture.prefix()
        let logs = [LogCapture(), LogCapture()]
        try await fixture.withClient(library: ClusterState.library) { redis in
            let state = ClusterState(redis: redis, namespace: namespace)
            let members = zip(logs, ["b", "c"]).map { log, boot in
                Samples.membership(boot: boot, state: state, logger: log.logger())
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for member in members { group.addTask { try await member.run() } }
                let isTold = try await eventually(within: .seconds(60)) {
                    for member in members { member.announce() }
                    return logs.allSatisfy { Self.told($0) > 0 }
                }
                #expect(isTold)
                let isRepeated = try await happens(within: .milliseconds(500)) {
                    for member in members { member.announce() }
                    return logs.contains { Self.told($0) > 1 }
                }
                #expect(!isRepeated)
                group.cancelAll()
            }
        }
    }

    private static func told(_ log: LogCapture) -> Int {
        log.entries.count { $0.level == .error && $0.message.contains("REPLICA_ID") }
    }
}
