import ClusterState
import ControlLoops
import Decisions
import Gateway
import Logging
import ManagerTesting
import Registry
import Synchronization
import Testing

/// A data plane with outcomes to tell, which counts how often it is asked for them.
private final class FakeBreakers: BreakerPort {
    private struct State {
        var outcomes: [PoolOutcomes] = []
        var takes = 0
        var ring: @Sendable () -> Void = {}
    }
    private let state = Mutex(State())

    var takes: Int { self.state.withLock { $0.takes } }
    func ring() { self.state.withLock { $0.ring }() }
    func tell(_ outcomes: PoolOutcomes) { self.state.withLock { $0.outcomes.append(outcomes) } }

    func onBreakerErrand(_ ring: @escaping @Sendable () -> Void) { self.state.withLock { $0.ring = ring } }
    func setBreakersInTouch(_ isInTouch: Bool) {}
    func takeOutcomes() -> [PoolOutcomes] {
        self.state.withLock { state in
            state.takes += 1
            defer { state.outcomes = [] }
            return state.outcomes
        }
    }
    func takeEndedPermits() -> [EndedPermit] { [] }
    func permitWishes() -> [PermitWish] { [] }
    func answered(_ wish: PermitWish, _ answer: SharedBreaker.WishAnswer) {}
    func decide(_ decision: SharedBreaker.Decision, for key: InstanceKey) {}
    func heardGeneration(_ generation: Int, of key: InstanceKey) {}
    func othersWantPermit(of instance: String) {}
    func permitFreed(of instance: String) {}
}

@Suite struct `The reporter of outcomes` {
    @Test func `tells once a second where nothing fails, a failure at once, and then ten times a second`() async throws
    {
        let fixture = try await RedisFixture.shared()
        try await fixture.withClient(library: ClusterState.library) { redis in
            let (port, time) = (FakeBreakers(), ManualTime())
            let state = ClusterState(redis: redis, namespace: fixture.prefix(), actor: "r1")
            let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            let signals = SignalListener(feed: SignalFeed(redis: redis, namespace: "unused"), logger: logger)
            let membership = Samples.membership(lease: .seconds(6), state: state, logger: logger)
            let reporter = BreakerReporter(
                port: port,
                state: state,
                membership: membership,
                signals: signals,
                rules: BreakerRules(failuresInRowMax: 5, failureRatioMax: 0.5, cooldown: .seconds(10), probesMax: 1),
                probeMax: .seconds(30),
                time: time.time,
                logger: logger
            )
            func turn(after pause: Duration) async -> Int {
                await time.advance(by: pause)
                await reporter.turn()
                return port.takes
            }
            #expect(await turn(after: .zero) == 1)
            for _ in 0..<9 { #expect(await turn(after: .milliseconds(100)) == 1, "nothing fails") }
            #expect(await turn(after: .milliseconds(100)) == 2)

            port.tell(try Self.failure())
            port.ring()
            #expect(await turn(after: .milliseconds(1)) == 3, "at once")
            #expect(await turn(after: .milliseconds(50)) == 3)
            for more in 4...9 { #expect(await turn(after: .milliseconds(100)) == more, "the failure is fresh") }
        }
    }

    private static func failure() throws -> PoolOutcomes {
        let service = try #require(ServiceID("lstm"))
        return PoolOutcomes(
            key: InstanceKey(service: service, url: try ServiceURL("http://lstm:8000")),
            pool: "LSTM/v1/prediction",
            poolSize: 2,
            report: OutcomeReport(generation: 0, successes: 0, failures: 1, trailingFailures: 1)
        )
    }
}
