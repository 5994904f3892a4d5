import Glibc
import ManagerTesting
import RedisClient
import Testing

@Suite struct `An acknowledged registration` {
    /// With `everysec` this fails on a busy disk: while an fsync is under way Redis answers up to two seconds before it
    /// so much as writes.
    @Test func `survives a killed Redis that syncs its append-only file with every write`() async throws {
        let fixture = try await RedisFixture.start(["--appendonly", "yes", "--appendfsync", "always"])
        var acknowledged: [String: String] = [:]
        for round in 0..<3 {
            try await fixture.withClient(library: FunctionBench.library) { redis in
                let bench = FunctionBench(redis: redis, prefix: "mm:{kept}:")
                for (id, epoch) in acknowledged {
                    #expect(try await bench.send("HGET", bench.prefix + "service:\(id)", "epoch").string == epoch)
                }
                acknowledged.merge(try await Self.registerUntilKilled(bench, fixture, round)) { $1 }
            }
            await fixture.waitForExit()
            try await fixture.launchAgain()
        }
        #expect(acknowledged.count >= 150)
        await fixture.stop()
    }

    /// Registers one service after the other and kills the server in the middle; what was acknowledged is returned.
    private static func registerUntilKilled(
        _ bench: FunctionBench,
        _ fixture: RedisFixture,
        _ round: Int
    ) async throws -> [String: String] {
        var acknowledged: [String: String] = [:]
        for number in 0..<1000 {
            if number == 50 + round * 7 { fixture.signal(SIGKILL) }
            guard let reply = try? await bench.register("r\(round)-\(number)") else { break }
            acknowledged["r\(round)-\(number)"] = texts(reply)[1]
        }
        return acknowledged
    }
}
