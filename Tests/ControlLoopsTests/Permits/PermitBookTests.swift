import Decisions
import Registry
import Testing

@testable import ControlLoops

@Suite struct `The permits of a replica` {
    private func demand(_ id: String) throws -> PermitDemand {
        let key = try Samples.service(id).instances[0]
        return PermitDemand(key: key, limit: 4, limitEpoch: Epoch(1), inFlight: 0, waiting: 0)
    }

    @Test func `of an instance that is gone are forgotten again when Redis could not be told`() throws {
        var book = PermitBook(onLoss: .hold)
        let (a, b) = (try self.demand("a"), try self.demand("b"))
        book.follow(session: "s1")
        book.keep([a, b])
        book.keep([b])
        #expect(book.takeGone() == [a.key])
        #expect(book.takeGone() == [])
        book.putBack(gone: a.key, session: "s1")
        #expect(book.takeGone() == [a.key])
        book.keep([a, b])
        book.putBack(gone: a.key, session: "s1")
        #expect(book.takeGone() == [], "it is back, and holds its own again")
        book.keep([b])
        book.follow(session: "s2")
        book.putBack(gone: a.key, session: "s1")
        #expect(book.takeGone() == [], "with the session its permits ended")
    }
}
