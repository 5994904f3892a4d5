import Testing

@testable import ClusterState

@Suite struct `That Redis is full` {
    private let start = ContinuousClock.now

    @Test func `is told once, whatever is refused after it`() {
        var machine = FullStoreMachine()
        #expect(machine.refused("register", now: self.start) == .tellFull)
        #expect(machine.refused("register", now: self.start + .seconds(60)) == .nothing)
        #expect(machine.refused("switch", now: self.start + .seconds(600)) == .nothing)
    }

    @Test func `is over when what was refused goes through, not by what goes on anyway`() {
        var machine = FullStoreMachine()
        _ = machine.refused("register", now: self.start)
        let later = self.start + FullStoreMachine.restMin
        #expect(machine.succeeded("beat", now: later) == .nothing)
        #expect(machine.succeeded("register", now: later) == .tellRoom)
        #expect(machine.succeeded("register", now: later) == .nothing)
        #expect(machine.refused("register", now: later) == .tellFull)
    }

    @Test func `is one outage while Redis refuses and takes by turns`() {
        var machine = FullStoreMachine()
        _ = machine.refused("register", now: self.start)
        for second in 1...30 {
            let now = self.start + .seconds(second)
            #expect(machine.succeeded("register", now: now) == .nothing)
            #expect(machine.refused("register", now: now) == .nothing)
        }
    }

    @Test func `is told again when nobody asked for long between two outages`() {
        var machine = FullStoreMachine()
        _ = machine.refused("register", now: self.start)
        #expect(machine.succeeded("register", now: self.start + .seconds(1)) == .nothing)
        #expect(machine.refused("register", now: self.start + .seconds(60)) == .tellFull)
    }
}
