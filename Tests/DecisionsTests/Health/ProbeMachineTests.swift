import Decisions
import Registry
import Testing

@Suite struct `A probe machine` {
    static func run(_ findings: [ProbeFinding]) -> [Verdict] {
        var machine = ProbeMachine(since: Timestamp(milliseconds: 0))
        return findings.enumerated().map { place, finding in
            _ = machine.report(finding, reason: nil, at: Timestamp(milliseconds: Int64(place)))
            return machine.verdict
        }
    }

    @Test(arguments: [
        ([ProbeFinding.well], [Verdict.healthy]),
        ([.no], [.unhealthy]),
        ([.silence, .silence, .silence], [.unknown, .unknown, .unhealthy]),
        ([.silence, .silence, .well, .silence], [.unknown, .unknown, .healthy, .healthy]),
        ([.unresolved, .unresolved, .unresolved, .unresolved], [.unknown, .unknown, .unknown, .unknown]),
        ([.unresolved, .unresolved, .silence, .well], [.unknown, .unknown, .unknown, .healthy]),
        ([.well, .unresolved, .silence, .unresolved], [.healthy, .healthy, .healthy, .unhealthy]),
        (
            [.well, .silence, .silence, .well, .silence, .silence],
            [.healthy, .healthy, .healthy, .healthy, .healthy, .healthy]
        ),
        ([.well, .no, .well, .well], [.healthy, .unhealthy, .unhealthy, .healthy]),
        ([.no, .well, .silence, .well, .well], [.unhealthy, .unhealthy, .unhealthy, .unhealthy, .healthy]),
    ])
    func `judges by thresholds`(findings: [ProbeFinding], verdicts: [Verdict]) {
        #expect(Self.run(findings) == verdicts)
    }

    @Test func `announces each change once and remembers when and why`() {
        var machine = ProbeMachine(since: Timestamp(milliseconds: 5))
        #expect(machine.since == Timestamp(milliseconds: 5))
        let up = VerdictChange(from: .unknown, to: .healthy, at: Timestamp(milliseconds: 10), reason: nil)
        #expect(machine.report(.well, reason: nil, at: Timestamp(milliseconds: 10)) == .announce(up))
        #expect(machine.report(.well, reason: nil, at: Timestamp(milliseconds: 20)) == .nothing)
        #expect(machine.since == Timestamp(milliseconds: 10))
        let down = VerdictChange(from: .healthy, to: .unhealthy, at: Timestamp(milliseconds: 30), reason: "status 503")
        #expect(machine.report(.no, reason: "status 503", at: Timestamp(milliseconds: 30)) == .announce(down))
        #expect(machine.history == [up, down])
    }

    @Test func `keeps the last twenty changes`() {
        var machine = ProbeMachine(since: Timestamp(milliseconds: 0))
        for round in 0..<Int64(40) {
            _ = machine.report(.no, reason: nil, at: Timestamp(milliseconds: 10 * round))
            _ = machine.report(.well, reason: nil, at: Timestamp(milliseconds: 10 * round + 1))
            _ = machine.report(.well, reason: nil, at: Timestamp(milliseconds: 10 * round + 2))
        }
        #expect(machine.history.count == ProbeMachine.historyMax)
        #expect(machine.history.last?.at == Timestamp(milliseconds: 392))
        #expect(machine.history.first?.at == Timestamp(milliseconds: 300))
    }

    /// Every sequence of up to seven findings: no verdict without its reason in the last findings.
    @Test(arguments: 1...7) func `never judges without cause`(length: Int) {
        let all = ProbeFinding.allCases
        var wrong = 0
        for number in 0..<(0..<length).reduce(1, { product, _ in product * all.count }) {
            var rest = number
            let findings = (0..<length).map { _ in
                defer { rest /= all.count }
                return all[rest % all.count]
            }
            let verdicts = [.unknown] + Self.run(findings)
            for place in findings.indices where verdicts[place] != verdicts[place + 1] {
                let recent = findings[...place]
                switch verdicts[place + 1] {
                case .unknown: wrong += 1
                case .healthy:
                    let needed = verdicts[place] == .unknown ? 1 : ProbeMachine.riseMin
                    if recent.suffix(needed).contains(where: { $0 != .well }) { wrong += 1 }
                case .unhealthy:
                    let isClear = recent.last == .no
                    let isLong =
                        recent.count >= ProbeMachine.fallMin && !recent.suffix(ProbeMachine.fallMin).contains(.well)
                    if !isClear && !isLong { wrong += 1 }
                }
            }
        }
        #expect(wrong == 0)
    }
}
