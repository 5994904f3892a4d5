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

    @Test mutating func `answers a request that cannot be read to its end with the refusal`() {
        _ = self.machine.requestHead(expectsContinue: false)
        let refused = Action(refusal: .unreadable, closes: true)
        #expect(self.machine.unreadable(.unreadable, inRequest: true) == refused)
        #expect(self.machine.responseEnded() == Action())
    }

    @Test mutating func `refuses a request that cannot be read to its end only after the answers before it`() {
        _ = self.machine.requestHead(expectsContinue: false)
        _ = self.machine.requestHead(expectsContinue: false)
        #expect(self.machine.unreadable(.bodyTimedOut, inRequest: true) == Action())
        let last = Action(tellsResponseEnded: true, refusal: .bodyTimedOut, closes: true)
        #expect(self.machine.responseEnded() == last)
    }

    @Test mutating func `writes no refusal into an answer that has begun`() {
        _ = self.machine.requestHead(expectsContinue: false)
        self.machine.responseHead(closes: false)
        #expect(self.machine.unreadable(.unreadable, inRequest: true) == Action())
        #expect(self.machine.responseEnded() == Action(tellsResponseEnded: true, closes: true))
    }

    @Test mutating func `closes after an answer that says so and does nothing more`() {
        _ = self.machine.requestHead(expectsContinue: false)
        self.machine.responseHead(closes: true)
        #expect(self.machine.responseEnded() == Action(tellsResponseEnded: true, closes: true))
        #expect(self.machine.responseEnded() == Action())
        #expect(self.machine.unreadable(.unreadable) == Action())
    }
}
