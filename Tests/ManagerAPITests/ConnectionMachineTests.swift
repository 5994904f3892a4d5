import Testing

@testable import ManagerAPI

/// In which order a connection is told to go on, refused and closed.
@Suite struct ConnectionMachineTests {
    typealias Action = ConnectionMachine.Action
    private var machine = ConnectionMachine()

    @Test mutating func `tells the end of each answer`() {
        #expect(self.machine.requestHead(expectsContinue: false) == Action())
        self.machine.responseHead(closes: false)
        #expect(self.machine.responseEnded() == Action(tellsResponseEnded: true))
    }

    @Test mutating func `says continue at once when nothing is being answered`() {
        #expect(self.machine.requestHead(expectsContinue: true) == Action(writesContinue: true))
    }

    @Test mutating func `says continue only after the answers before it`() {
        _ = self.machine.requestHead(expectsContinue: false)
        #expect(self.machine.requestHead(expectsContinue: true) == Action())
        #expect(self.machine.responseEnded() == Action(writesContinue: true, tellsResponseEnded: true))
        #expect(self.machine.responseEnded() == Action(tellsResponseEnded: true))
    }

    @Test mutating func `refuses what is unreadable at once when nothing is being answered`() {
        #expect(self.machine.unreadable(.headersTooLarge) == Action(refusal: .headersTooLarge, closes: true))
        #expect(self.machine.unreadable(.unreadable) == Action())
    }

    @Test mutating func `refuses what is unreadable only after the answers before it`() {
        _ = self.machine.requestHead(expectsContinue: false)
        _ = self.machine.requestHead(expectsContinue: false)
        #expect(self.machine.unreadable(.unreadable) == Action())
        #expect(self.machine.responseEnded() == Action(tellsResponseEnded: true))
        let last = Action(tellsResponseEnded: true, refusal: .unreadable, closes: true)
        #expect(self.machine.responseEnded() == last)
    }

    @Test mutating func `closes after an answer that says so and does nothing more`() {
        _ = self.machine.requestHead(expectsContinue: false)
        self.machine.responseHead(closes: true)
        #expect(self.machine.responseEnded() == Action(tellsResponseEnded: true, closes: true))
        #expect(self.machine.responseEnded() == Action())
        #expect(self.machine.unreadable(.unreadable) == Action())
    }
}
