import Decisions
import Gateway
import ManagerTesting
import NIOCore
import Registry
import Testing

/// One replica on several event loops: what callers and operators see must not depend on which loop served.
@Suite(.timeLimit(.minutes(5))) struct `Several event loops` {
    private static let loops = 3
    private static let callersPerLoop = 4

    /// Callers on connections that the listener has dealt out to all loops, and stubs that answer with their number.
    private func run(_ body: (Setting, [Caller], [StubUpstream]) async throws -> Void) async throws {
        var stubs: [StubUpstream] = []
        for number in 0..<2 { stubs.append(try await StubUpstream.answering(StubUpstream.json("\(number)"))) }
        // A breaker that opens stays open for as long as the test looks.
        let adjust = { (settings: inout DataPlaneSettings) in settings.breaker = BreakerPolicy(cooldown: .seconds(600))
        }
        try await Setting.run(loops: Self.loops, adjust) { setting in
            setting.register(try stubs.enumerated().map { try Setting.service("s\($0)", at: $1.url) })
            var callers: [Caller] = []
            for _ in 0..<(Self.loops * Self.callersPerLoop) { callers.append(try await setting.caller()) }
            try await body(setting, callers, stubs)
            for caller in callers { await caller.close() }
        }
        for stub in stubs { await stub.stop() }
    }

    /// One request of each caller, one after the other; the bodies of the answers.
    private func round(_ number: Int, _ callers: [Caller]) async throws -> [String] {
        var bodies: [String] = []
        for caller in callers {
            try await caller.send(Setting.request())
            bodies.append(try await caller.answers(number)[number - 1].body)
        }
        return bodies
    }

    @Test func `share one cursor, and their counts add up`() async throws {
        try await self.run { setting, callers, stubs in
            for number in 1...6 {
                let bodies = try await self.round(number, callers)
                let turns = callers.indices.map { String($0 % 2) }
                #expect(bodies == turns)
            }
            let requests = 6 * callers.count
            let statistics = await setting.plane.statistics()
            #expect(statistics.requests == Int64(requests))
            #expect(statistics.fastRequests == Int64(requests))
            #expect(statistics.answers == [0, Int64(requests), 0, 0, 0])
            #expect(statistics.connections == callers.count)
            #expect(statistics.inFlight == 0)
            #expect(statistics.services.values.map(\.requests) == [Int64(requests / 2), Int64(requests / 2)])
            let latencies = statistics.services.values.flatMap(\.latency.counts)
            #expect(latencies.reduce(0, +) == Int64(requests))
            // One connection of each loop to each instance, so all loops have served.
            #expect(stubs.map(\.connections) == [Self.loops, Self.loops])
        }
    }

    @Test func `all know a new snapshot at once, on connections that there are`() async throws {
        try await self.run { setting, callers, stubs in
            _ = try await self.round(1, callers)
            for number in 2...9 {
                let only = number % 2
                setting.register([try Setting.service("s\(only)", at: stubs[only].url)])
                let bodies = try await self.round(number, callers)
                #expect(Set(bodies) == [String(only)])
            }
        }
    }

    @Test func `all keep to a limit together`() async throws {
        let stub = try await StubUpstream.start { _, _ in [.hold, .send(StubUpstream.json("{}")), .next] }
        try await Setting.run(loops: Self.loops) { setting in
            setting.register([try Setting.service("a", at: stub.url) { $0.concurrentRequestsMax = 4 }])
            var callers: [Caller] = []
            for _ in 0..<12 { callers.append(try await setting.caller()) }
            for caller in callers { try await caller.send(Setting.request()) }
            #expect(try await eventually(within: .seconds(20)) { stub.requests.count == 4 })
            #expect(setting.state("a")?.inFlight == 4)
            stub.release()
            for caller in callers {
                let answer = try await caller.answer()
                #expect([200, 503].contains(answer.status))
            }
            #expect(setting.state("a")?.inFlight == 0)
        }
        await stub.stop()
    }

    @Test func `all hear of a breaker that one of them tripped`() async throws {
        try await self.run { setting, callers, stubs in
            _ = try await self.round(1, callers)
            await stubs[1].kill()
            // Each failure is one caller's on whichever loop; five in a row trip.
            let bodies = try await self.round(2, callers)
            #expect(Set(bodies) == ["0"])
            #expect(setting.state("s1")?.breaker == .open)
            let retries = await setting.plane.statistics().retries
            let later = try await self.round(3, callers)
            #expect(Set(later) == ["0"])
            #expect(await setting.plane.statistics().retries == retries)
        }
    }
}
