import Decisions
import ManagerTesting
import Registry
import Testing

/// Drives a breaker with events and watches its promises after each, whatever the order.
private struct Watched {
    enum Event: CaseIterable { case success, failure, straggler, wait, admit, probeSucceeds, probeFails, probeNeutral }

    var breaker: BreakerMachine
    let policy: BreakerPolicy
    var now = Instant(nanoseconds: 1_000_000_000_000)
    var probes: [BreakerMachine.Probe] = []
    var ejected = false
    var complaints: [String] = []

    init(policy: BreakerPolicy, seed: UInt64) {
        self.policy = policy
        self.breaker = BreakerMachine(policy: policy, seed: seed)
    }

    mutating func take(_ event: Event, bound: EjectionBound) {
        let before = self.breaker.phase
        switch event {
        case .success: self.record(.success(generation: self.breaker.generation), bound)
        case .failure: self.record(.failure(generation: self.breaker.generation), bound)
        case .straggler: self.record(.failure(generation: self.breaker.generation - 1), bound)
        case .wait:
            self.now = self.now + .seconds(6)
            if self.breaker.moveOn(now: self.now) == .halfOpened, before != .open { self.complain("half-opened") }
        case .admit:
            let probe = self.breaker.admitProbe(until: self.now + .seconds(5), now: self.now)
            if let probe { self.probes.append(probe) }
            if probe != nil, before != .halfOpen { self.complain("probe while \(before)") }
        case .probeSucceeds: self.end(.success)
        case .probeFails: self.end(.failure)
        case .probeNeutral: self.end(.neutral)
        }
        self.check(before: before, event)
    }

    private mutating func record(_ report: OutcomeReport, _ bound: EjectionBound) {
        let known = self.breaker
        let action = self.breaker.record(report, bound: bound, now: self.now)
        if case .trip = action, !bound.allowsOneMore { self.complain("trip beyond the bound") }
        if report.generation != known.generation, known != self.breaker { self.complain("heard a straggler") }
    }

    private mutating func end(_ outcome: BreakerMachine.ProbeOutcome) {
        guard !self.probes.isEmpty else { return }
        let probe = self.probes.removeFirst()
        if self.breaker.probeEnded(probe, outcome, now: self.now) == .reset, outcome != .success {
            self.complain("closed by \(outcome)")
        }
    }

    private mutating func check(before: BreakerPhase, _ event: Event) {
        if case .halfOpen(_, let probes, _) = self.breaker.state, probes.count > self.policy.probesMax {
            self.complain("\(probes.count) probes")
        }
        switch (before, self.breaker.phase) {
        case (.closed, .halfOpen), (.open, .closed): self.complain("\(before) to \(self.breaker.phase) by \(event)")
        default: break
        }
        if self.breaker.phase != .closed, self.breaker.failuresInRow != 0 { self.complain("counts while out") }
        if case .open(_, let until) = self.breaker.state, until - self.now > self.policy.cooldown * 11 {
            self.complain("open beyond ten cooldowns")
        }
    }

    private mutating func complain(_ what: String) { self.complaints.append(what) }
}

@Suite struct `A breaker, whatever happens,` {
    private let policy = BreakerPolicy(failuresInRowMax: 2, requestsMin: 3, cooldown: .seconds(5))

    /// Eight events, every sequence of five of them, from the start and after a trip.
    @Test(arguments: [(true, 5), (false, 5)]) func `keeps its promises over every short sequence`(
        tripped: Bool,
        length: Int
    ) {
        let events = Watched.Event.allCases
        let bound = EjectionBound(poolSize: 2, ejected: 0)
        var root = Watched(policy: self.policy, seed: 3)
        if tripped { for _ in 0..<2 { root.take(.failure, bound: bound) } }
        var complaints = Set<String>()
        func explore(_ watched: Watched, _ left: Int) {
            complaints.formUnion(watched.complaints)
            guard left > 0 else { return }
            for event in events {
                var next = watched
                next.take(event, bound: bound)
                explore(next, left - 1)
            }
        }
        explore(root, length)
        #expect(complaints.isEmpty)
    }

    @Test(arguments: SeededRandom.runs(5)) func `keeps its promises over long random runs, and comes back at last`(
        seeded: SeededRandom
    ) throws {
        var random = seeded
        let policy = BreakerPolicy(failuresInRowMax: 3, cooldown: .seconds(5), probesMax: 2)
        var watched = Watched(policy: policy, seed: random.next())
        for _ in 0..<5000 {
            let bound = EjectionBound(poolSize: 4, ejected: Int.random(in: 0...3, using: &random))
            watched.take(Watched.Event.allCases[Int.random(in: 0..<8, using: &random)], bound: bound)
        }
        #expect(watched.complaints.isEmpty)
        for _ in 0..<60 {
            for event in [Watched.Event.wait, .admit, .probeSucceeds] {
                watched.take(event, bound: EjectionBound(poolSize: 4, ejected: 0))
            }
        }
        #expect(watched.breaker.phase == .closed)
    }
}
