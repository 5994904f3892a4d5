import Decisions
import Registry
import Testing

private struct Surprise: Error { let what: String }

extension BreakerMachine {
    fileprivate mutating func probe(until deadline: Instant, now: Instant) throws -> Probe {
        guard let probe = self.admitProbe(until: deadline, now: now) else { throw Surprise(what: "no probe admitted") }
        return probe
    }
}

@Suite struct `A breaker` {
    static let start = Instant(nanoseconds: 1_000_000_000_000)
    let start = Self.start
    let free = EjectionBound(poolSize: 4, ejected: 0)
    let full = EjectionBound(poolSize: 4, ejected: 2)

    func failures(_ count: Int, of breaker: BreakerMachine) -> OutcomeReport {
        OutcomeReport(generation: breaker.generation, successes: 0, failures: count, trailingFailures: count)
    }

    /// A breaker that has just tripped at `start`, and when it may be probed.
    func tripped(_ policy: BreakerPolicy = BreakerPolicy(), seed: UInt64 = 1) throws -> (BreakerMachine, Instant) {
        var breaker = BreakerMachine(policy: policy, seed: seed)
        let action = breaker.record(failures(policy.failuresInRowMax, of: breaker), bound: free, now: start)
        guard case .trip(let until) = action else { throw Surprise(what: "\(action)") }
        return (breaker, until)
    }

    @Test func `trips on the last allowed failure in a row, probes after the cooldown, and resets`() throws {
        var breaker = BreakerMachine(policy: BreakerPolicy(failuresInRowMax: 2), seed: 1)
        #expect(breaker.record(.failure(generation: 0), bound: free, now: start) == .nothing)
        #expect(breaker.failuresInRow == 1)
        guard case .trip(let until) = breaker.record(.failure(generation: 0), bound: free, now: start) else {
            throw Surprise(what: "no trip")
        }
        #expect(breaker.phase == .open)
        #expect(breaker.movesOnAt == until)
        #expect(breaker.moveOn(now: until + .nanoseconds(-1)) == .nothing)
        #expect(breaker.admitProbe(until: until + .seconds(30), now: start) == nil)
        #expect(breaker.moveOn(now: until) == .halfOpened)
        #expect(breaker.phase == .halfOpen)
        let probe = try breaker.probe(until: until + .seconds(30), now: until)
        #expect(breaker.admitProbe(until: until + .seconds(30), now: until) == nil)
        #expect(breaker.probeEnded(probe, .success, now: until) == .reset)
        #expect(breaker.phase == .closed)
        #expect(breaker.movesOnAt == nil)
    }

    @Test func `a success between failures begins the row anew`() {
        var breaker = BreakerMachine(policy: BreakerPolicy(failuresInRowMax: 2, requestsMin: 100), seed: 1)
        for _ in 0..<20 {
            #expect(breaker.record(.failure(generation: 0), bound: free, now: start) == .nothing)
            #expect(breaker.record(.success(generation: 0), bound: free, now: start) == .nothing)
        }
        #expect(breaker.failuresInRow == 0)
    }

    @Test func `adds up rows of failures over batches by their ends`() {
        var breaker = BreakerMachine(policy: BreakerPolicy(failuresInRowMax: 5, requestsMin: 100), seed: 1)
        let mixed = OutcomeReport(generation: 0, successes: 3, failures: 9, trailingFailures: 2)
        #expect(breaker.record(mixed, bound: free, now: start) == .nothing)
        #expect(breaker.failuresInRow == 2)
        #expect(breaker.record(failures(2, of: breaker), bound: free, now: start) == .nothing)
        #expect(breaker.record(failures(1, of: breaker), bound: free, now: start) != .nothing)
    }

    @Test func `trips on the failed share of enough requests within the window`() {
        let policy = BreakerPolicy(failuresInRowMax: 1000)
        var few = BreakerMachine(policy: policy, seed: 1)
        #expect(few.record(failures(9, of: few), bound: free, now: start) == .nothing)
        #expect(few.record(.success(generation: 0), bound: free, now: start) == .nothing)
        #expect(few.record(failures(1, of: few), bound: free, now: start) != .nothing)
        var old = BreakerMachine(policy: policy, seed: 1)
        #expect(old.record(failures(9, of: old), bound: free, now: start) == .nothing)
        #expect(old.record(failures(1, of: old), bound: free, now: start + .seconds(10)) == .nothing)
        var below = BreakerMachine(policy: policy, seed: 1)
        let report = OutcomeReport(generation: 0, successes: 51, failures: 49, trailingFailures: 1)
        #expect(below.record(report, bound: free, now: start) == .nothing)
    }

    @Test func `is held while the pool has lost as many as it may, and says so once`() {
        var breaker = BreakerMachine(policy: BreakerPolicy(failuresInRowMax: 2, requestsMin: 1000), seed: 1)
        #expect(breaker.record(failures(2, of: breaker), bound: full, now: start) == .held)
        #expect(breaker.phase == .closed)
        #expect(breaker.isHeld)
        #expect(breaker.record(failures(1, of: breaker), bound: full, now: start) == .nothing)
        #expect(breaker.record(failures(1, of: breaker), bound: free, now: start) != .nothing)
        #expect(breaker.phase == .open)
        #expect(!breaker.isHeld)
    }

    @Test func `is held anew after a success in between`() {
        var breaker = BreakerMachine(policy: BreakerPolicy(failuresInRowMax: 2, requestsMin: 1000), seed: 1)
        #expect(breaker.record(failures(2, of: breaker), bound: full, now: start) == .held)
        #expect(breaker.record(.success(generation: 0), bound: full, now: start) == .nothing)
        #expect(!breaker.isHeld)
        #expect(breaker.record(failures(2, of: breaker), bound: full, now: start) == .held)
    }

    @Test func `does not hear stragglers from before the trip, even after it closed again`() throws {
        var (breaker, until) = try tripped()
        #expect(breaker.record(.success(generation: 0), bound: free, now: start) == .nothing)
        #expect(breaker.phase == .open)
        _ = breaker.moveOn(now: until)
        #expect(
            breaker.record(
                OutcomeReport(generation: 0, successes: 0, failures: 50, trailingFailures: 50),
                bound: free,
                now: until
            ) == .nothing
        )
        #expect(breaker.phase == .halfOpen)
        let probe = try breaker.probe(until: until + .seconds(1), now: until)
        #expect(breaker.probeEnded(probe, .success, now: until) == .reset)
        let late = OutcomeReport(generation: 0, successes: 0, failures: 50, trailingFailures: 50)
        #expect(breaker.record(late, bound: free, now: until) == .nothing)
        #expect(breaker.phase == .closed)
    }

    @Test func `a failed probe opens it for twice as long, up to ten times`() throws {
        var (breaker, until) = try tripped(BreakerPolicy(cooldown: .seconds(10)))
        var cooldowns = [(until - start).inSeconds]
        for _ in 0..<6 {
            _ = breaker.moveOn(now: until)
            let probe = try breaker.probe(until: until + .seconds(1), now: until)
            guard case .trip(let next) = breaker.probeEnded(probe, .failure, now: until) else {
                throw Surprise(what: "no trip")
            }
            cooldowns.append((next - until).inSeconds)
            until = next
        }
        for (cooldown, nominal) in zip(cooldowns, [10.0, 20, 40, 80, 100, 100, 100]) {
            #expect(abs(cooldown - nominal) <= 0.1 * nominal + 1e-6)
        }
        #expect(breaker.trips(now: until) == 7)
    }

    @Test func `forgets a trip with every calm minute, but none while it is open`() throws {
        var (breaker, until) = try tripped(BreakerPolicy(cooldown: .seconds(300)))
        #expect(breaker.trips(now: until) == 1)
        _ = breaker.moveOn(now: until)
        let first = try breaker.probe(until: until + .seconds(1), now: until)
        guard case .trip(let again) = breaker.probeEnded(first, .failure, now: until) else {
            throw Surprise(what: "no trip")
        }
        _ = breaker.moveOn(now: again)
        let second = try breaker.probe(until: again + .seconds(1), now: again)
        #expect(breaker.probeEnded(second, .success, now: again) == .reset)
        #expect(breaker.trips(now: again + .seconds(59)) == 2)
        #expect(breaker.trips(now: again + .seconds(60)) == 1)
        #expect(breaker.trips(now: again + .seconds(3600)) == 0)
    }

    @Test func `a probe that never ends is a failed one`() throws {
        var (breaker, until) = try tripped()
        _ = breaker.moveOn(now: until)
        let probe = try breaker.probe(until: until + .seconds(30), now: until)
        #expect(breaker.movesOnAt == until + .seconds(30))
        #expect(breaker.moveOn(now: until + .seconds(29)) == .nothing)
        #expect(breaker.moveOn(now: until + .seconds(30)) != .nothing)
        #expect(breaker.phase == .open)
        #expect(breaker.probeEnded(probe, .success, now: until + .seconds(31)) == .nothing)
        #expect(breaker.phase == .open)
    }

    @Test func `a neutral probe gives its right back and decides nothing`() throws {
        var (breaker, until) = try tripped()
        _ = breaker.moveOn(now: until)
        let probe = try breaker.probe(until: until + .seconds(30), now: until)
        #expect(breaker.probeEnded(probe, .neutral, now: until) == .nothing)
        #expect(breaker.phase == .halfOpen)
        #expect(breaker.probeEnded(probe, .success, now: until) == .nothing)
        #expect(breaker.admitProbe(until: until + .seconds(30), now: until) != nil)
    }

    @Test func `closes after as many successes as the policy asks for`() throws {
        var (breaker, until) = try tripped(BreakerPolicy(probesMax: 2, successesMin: 2))
        _ = breaker.moveOn(now: until)
        let first = try breaker.probe(until: until + .seconds(30), now: until)
        let second = try breaker.probe(until: until + .seconds(30), now: until)
        #expect(breaker.admitProbe(until: until + .seconds(30), now: until) == nil)
        #expect(breaker.probeEnded(second, .success, now: until) == .nothing)
        #expect(breaker.probeEnded(first, .success, now: until) == .reset)
    }

    @Test func `comes back at another moment than its neighbour, by the same policy`() throws {
        let cooldowns = try (UInt64(0)..<50).map { try tripped(seed: $0).1 - start }
        #expect(Set(cooldowns).count == 50)
        #expect(cooldowns.allSatisfy { $0 >= .seconds(9) && $0 <= .seconds(11) })
    }

    @Test func `joins batches as if their outcomes had come one by one`() {
        var batch = OutcomeReport.failure(generation: 0)
        batch.append(.success(generation: 0))
        batch.append(.failure(generation: 0))
        batch.append(.failure(generation: 0))
        #expect(batch == OutcomeReport(generation: 0, successes: 1, failures: 3, trailingFailures: 2))
    }
}
