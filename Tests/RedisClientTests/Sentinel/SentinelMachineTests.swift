import Testing

@testable import RedisClient

/// The choice of the primary, as scripts of what sentinels and servers say.
@Suite struct `Choosing the primary` {
    typealias Host = RedisAddress.SentinelHost

    static let refused = RedisError(.connectFailed, "refused")
    static let (s1, s2, s3) = (Host(host: "s1", port: 1), Host(host: "s2", port: 2), Host(host: "s3", port: 3))
    static let (old, new) = (Host(host: "old", port: 6379), Host(host: "new", port: 6379))

    static func answer(_ server: Host, epoch: Int64? = 1, others: [Host] = []) -> SentinelAnswer {
        SentinelAnswer(primary: server, configEpoch: epoch, others: others)
    }

    /// A machine that has found `old` at epoch 1 by the first sentinel.
    static func settled() -> SentinelMachine {
        var machine = SentinelMachine([s1, s2, s3])
        _ = machine.begin()
        _ = machine.answered(s1, Self.answer(old))
        machine.connected(old)
        return machine
    }

    @Test func `asks in turn until a sentinel names a server that is one`() {
        var machine = SentinelMachine([Self.s1, Self.s2, Self.s3])
        #expect(machine.begin() == .ask(Self.s1))
        #expect(machine.failed(Self.s1, Self.refused) == .ask(Self.s2))
        #expect(machine.answered(Self.s2, Self.answer(Self.old)) == .connect(Self.old))
        machine.connected(Self.old)
        #expect(machine.primary == Self.old)
        #expect(machine.sentinels == [Self.s2, Self.s1, Self.s3], "who was right is asked first")
    }

    @Test func `a name counts for nothing until the server says so itself`() {
        var machine = SentinelMachine([Self.s1, Self.s2, Self.s3])
        _ = machine.begin()
        _ = machine.answered(Self.s1, Self.answer(Self.old))
        let isReplica = RedisError(.readOnly, "ROLE says slave")
        #expect(machine.refused(Self.old, isReplica) == .ask(Self.s2))
        #expect(machine.answered(Self.s2, Self.answer(Self.old)) == .ask(Self.s3), "tried already in this round")
        #expect(machine.answered(Self.s3, Self.answer(Self.new, epoch: 2)) == .connect(Self.new))
        machine.connected(Self.new)
        #expect(machine.sentinels.first == Self.s3)
    }

    @Test func `gives up a round when all were asked, and says why`() {
        var machine = SentinelMachine([Self.s1, Self.s2])
        _ = machine.begin()
        _ = machine.failed(Self.s1, Self.refused)
        guard case .giveUp(let error) = machine.failed(Self.s2, RedisError(.noAuth, "NOAUTH")) else {
            Issue.record("it went on")
            return
        }
        #expect(error.code == .connectFailed, "one that refuses our password is no reason to wait for long")
        #expect(error.message.contains("s1:1: refused") && error.message.contains("s2:2: NOAUTH"))
        #expect(machine.begin() == .ask(Self.s1), "the next round asks all again")
    }

    @Test func `waits for long when every sentinel refuses the password`() {
        var machine = SentinelMachine([Self.s1, Self.s2])
        _ = machine.begin()
        _ = machine.failed(Self.s1, RedisError(.noAuth, "NOAUTH"))
        guard case .giveUp(let error) = machine.failed(Self.s2, RedisError(.noAuth, "NOAUTH")) else {
            Issue.record("it went on")
            return
        }
        #expect(error.code == .noAuth)
    }

    @Test func `does not believe a sentinel that is behind while another one knows better`() {
        var machine = Self.settled()
        _ = machine.begin()
        _ = machine.failed(Self.s1, Self.refused)
        _ = machine.answered(Self.s2, Self.answer(Self.new, epoch: 5))
        machine.connected(Self.new)
        #expect(machine.begin() == .ask(Self.s2))
        _ = machine.failed(Self.s2, Self.refused)
        #expect(machine.answered(Self.s1, Self.answer(Self.old, epoch: 1)) == .ask(Self.s3))
        #expect(machine.answered(Self.s3, Self.answer(Self.new, epoch: 5)) == .connect(Self.new))
    }

    @Test func `believes the newest when all are behind, as after they were set up anew`() {
        var machine = Self.settled()
        _ = machine.begin()
        _ = machine.answered(Self.s1, Self.answer(Self.old, epoch: 9))
        machine.connected(Self.old)
        _ = machine.begin()
        _ = machine.answered(Self.s1, Self.answer(Self.old, epoch: 0))
        _ = machine.answered(Self.s2, Self.answer(Self.new, epoch: 1))
        #expect(machine.failed(Self.s3, Self.refused) == .connect(Self.new))
        #expect(machine.refused(Self.new, Self.refused) == .connect(Self.old), "then the next newest")
        machine.connected(Self.old)
        _ = machine.begin()
        #expect(
            machine.answered(Self.s1, Self.answer(Self.old, epoch: 0)) == .connect(Self.old),
            "0 is the highest now"
        )
    }

    @Test func `leaves a server when a hint names another one, and only then`() {
        var machine = Self.settled()
        #expect(machine.hinted(Self.old) == false)
        #expect(machine.hinted(Self.new, configEpoch: 0) == false, "a sentinel that is behind")
        #expect(machine.hinted(Self.new, configEpoch: 2) == true)
        #expect(machine.hinted(Self.new) == true)
        _ = machine.begin()
        #expect(machine.hinted(Self.new) == false, "there is nothing to leave")
    }

    @Test func `remembers sentinels that others know, behind the configured ones, and not without bound`() {
        var machine = SentinelMachine([Self.s1, Self.s2])
        _ = machine.begin()
        let others = (0..<50).map { Host(host: "10.0.0.\($0)", port: 26379) }
        _ = machine.answered(Self.s1, Self.answer(Self.old, others: others))
        machine.connected(Self.old)
        #expect(machine.sentinels.count == SentinelMachine.sentinelsMax)
        #expect(Array(machine.sentinels.prefix(3)) == [Self.s1, Self.s2, others[0]])
    }

    @Test func `asks no more than each sentinel once a round, whatever they say`() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            var machine = Self.settled()
            var step = machine.begin()
            var (asked, tried) = ([Host](), [Host]())
            loop: while asked.count < 20 {
                switch step {
                case .ask(let sentinel):
                    asked.append(sentinel)
                    let answer = Self.answer([Self.old, Self.new][Int.random(in: 0...1)], epoch: .random(in: 0...2))
                    step =
                        Bool.random(using: &random)
                        ? machine.answered(sentinel, answer) : machine.failed(sentinel, Self.refused)
                case .connect(let server):
                    tried.append(server)
                    step = machine.refused(server, Self.refused)
                case .giveUp: break loop
                }
            }
            #expect(Set(asked).count == asked.count)
            #expect(Set(tried).count == tried.count)
        }
    }
}
