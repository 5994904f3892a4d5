import Decisions
import Registry
import Testing

@Suite struct `The eligibility of members` {
    typealias Facts = Eligibility.Facts

    @Test(arguments: [
        (Facts(), true),
        (Facts(verdict: .healthy), true),
        (Facts(verdict: .unhealthy), false),
        (Facts(breaker: .open), false),
        (Facts(breaker: .halfOpen), false),
        (Facts(isDraining: true), false),
        (Facts(verdict: .healthy, breaker: .open, isDraining: true), false),
    ])
    func `is given to healthy or unknown members with a closed breaker that do not drain`(facts: Facts, eligible: Bool)
    {
        let rest = [Facts(), Facts()]
        #expect(Eligibility([facts] + rest).eligible == (eligible ? [0, 1, 2] : [1, 2]))
        #expect(!Eligibility([facts] + rest).isPanic)
    }

    @Test(arguments: [
        (unhealthy: 0, of: 1, panic: false), (1, 1, true), (1, 2, false), (2, 2, true), (1, 3, false), (2, 3, true),
        (2, 4, false), (3, 4, true), (50, 100, false), (51, 100, true),
    ])
    func `panics when probes call more than half of the pool unhealthy`(unhealthy: Int, of size: Int, panic: Bool) {
        let pool = (0..<size).map { Facts(verdict: $0 < unhealthy ? .unhealthy : .healthy) }
        let judged = Eligibility(pool)
        #expect(judged.isPanic == panic)
        #expect(judged.eligible == Array((panic ? 0 : unhealthy)..<size))
    }

    @Test func `ignores in a panic the verdicts, but neither breakers nor drains`() {
        let judged = Eligibility([
            Facts(verdict: .unhealthy), Facts(verdict: .unhealthy, breaker: .open),
            Facts(verdict: .unhealthy, breaker: .halfOpen), Facts(verdict: .unhealthy, isDraining: true),
        ])
        #expect(judged.eligible == [0])
        #expect(judged.probing == [2])
        #expect(judged.isPanic)
    }

    @Test func `counts for the panic only members that are not on their way out`() {
        let drained = [Facts](repeating: Facts(verdict: .healthy, isDraining: true), count: 9)
        #expect(Eligibility(drained + [Facts(verdict: .unhealthy), Facts()]).isPanic == false)
        #expect(Eligibility(drained + [Facts(verdict: .unhealthy), Facts(verdict: .unhealthy)]).isPanic)
    }

    @Test func `calls nothing a panic that helped nobody`() {
        #expect(!Eligibility([Facts(verdict: .unhealthy, breaker: .open)]).isPanic)
        #expect(!Eligibility([]).isPanic)
    }

    @Test func `lists half-open members apart, unless probes call them unhealthy or they drain`() {
        let judged = Eligibility([
            Facts(breaker: .halfOpen), Facts(verdict: .unhealthy, breaker: .halfOpen),
            Facts(breaker: .halfOpen, isDraining: true), Facts(), Facts(),
        ])
        #expect(judged.probing == [0])
        #expect(judged.eligible == [3, 4])
    }

    /// All pools of up to four members in all states: against the contract's words, written down a second time.
    @Test(arguments: 0...4) func `agrees with the contract for every small pool`(size: Int) {
        let all = Verdict.allCases.flatMap { verdict in
            BreakerPhase.allCases.flatMap { phase in
                [true, false].map { Facts(verdict: verdict, breaker: phase, isDraining: $0) }
            }
        }
        var disagreements = 0
        for number in 0..<(0..<size).reduce(1, { product, _ in product * all.count }) {
            var rest = number
            let pool = (0..<size).map { _ in
                defer { rest /= all.count }
                return all[rest % all.count]
            }
            let inRotation = pool.filter { !$0.isDraining }
            let panic = inRotation.filter { $0.verdict == .unhealthy }.count * 2 > inRotation.count
            let expected = pool.indices.filter {
                !pool[$0].isDraining && pool[$0].breaker == .closed && (panic || pool[$0].verdict != .unhealthy)
            }
            if Eligibility(pool).eligible != expected { disagreements += 1 }
        }
        #expect(disagreements == 0)
    }
}
