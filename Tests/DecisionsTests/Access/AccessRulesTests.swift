import Registry
import Testing

@testable import Decisions

private func digest(_ number: Int) throws -> CredentialDigest {
    try #require(CredentialDigest(hex: String(repeating: "0", count: 58) + String(format6(number))))
}

private func format6(_ number: Int) -> String {
    let text = String(number, radix: 16)
    return String(repeating: "0", count: 6 - text.count) + text
}

@Suite struct `The ring of keys` {
    @Test func `knows a key until its time, and tells an expired one from an unknown one`() throws {
        let principal = Principal(id: "a", role: .predict, expires: Timestamp(milliseconds: 1000))
        let ring = Keyring([AccessKey(digest: try digest(1), principal: principal)])
        #expect(try ring.principal(try digest(1), at: Timestamp(milliseconds: 999)) == principal)
        #expect(throws: AccessFault.expired) { try ring.principal(try digest(1), at: Timestamp(milliseconds: 1000)) }
        #expect(throws: AccessFault.unknown) { try ring.principal(try digest(2), at: Timestamp(milliseconds: 0)) }
    }

    @Test func `an empty ring knows nobody`() throws {
        #expect(throws: AccessFault.unknown) { try Keyring().principal(try digest(1), at: Timestamp(milliseconds: 0)) }
    }
}

@Suite struct `The shelf of tokens` {
    private let now = Timestamp(milliseconds: 1000)
    private func principal(until expires: Int64 = 2000) -> Principal {
        Principal(id: "a", role: .predict, expires: Timestamp(milliseconds: expires))
    }

    @Test func `keeps a token until its time`() throws {
        var shelf = TokenShelf()
        shelf.put(try digest(1), self.principal(), of: 0, at: self.now)
        #expect(shelf.principal(try digest(1), at: Timestamp(milliseconds: 1999)) == self.principal())
        #expect(shelf.principal(try digest(1), at: Timestamp(milliseconds: 2000)) == nil)
    }

    @Test func `takes none whose check began under other keys`() throws {
        var shelf = TokenShelf()
        let before = shelf.generation
        shelf.put(try digest(1), self.principal(), of: before, at: self.now)
        shelf.clear()
        #expect(shelf.principal(try digest(1), at: self.now) == nil)
        shelf.put(try digest(1), self.principal(), of: before, at: self.now)
        #expect(shelf.principal(try digest(1), at: self.now) == nil)
        shelf.put(try digest(1), self.principal(), of: shelf.generation, at: self.now)
        #expect(shelf.principal(try digest(1), at: self.now) != nil)
    }

    @Test func `takes none that is over`() throws {
        var shelf = TokenShelf()
        shelf.put(try digest(1), self.principal(until: 1000), of: 0, at: self.now)
        #expect(shelf.count == 0)
    }

    @Test func `is bounded: what is over goes first, then everything`() throws {
        var shelf = TokenShelf()
        shelf.put(try digest(0), self.principal(until: 5000), of: 0, at: self.now)
        for number in 1..<TokenShelf.tokensMax {
            shelf.put(try digest(number), self.principal(), of: 0, at: self.now)
        }
        #expect(shelf.count == TokenShelf.tokensMax)
        let later = Timestamp(milliseconds: 3000)
        shelf.put(try digest(10_000), self.principal(until: 5000), of: 0, at: later)
        #expect(shelf.count == 2)
        #expect(shelf.principal(try digest(0), at: later) != nil)
        for number in 1..<TokenShelf.tokensMax {
            shelf.put(try digest(number), self.principal(until: 5000), of: 0, at: later)
        }
        #expect(shelf.count <= TokenShelf.tokensMax)
        #expect(shelf.principal(try digest(TokenShelf.tokensMax - 1), at: later) != nil)
    }
}

/// The rule, where a test may ask and change it in one expression.
private final class Callers {
    private var rule = FailedCallers()
    var count: Int { self.rule.count }
    func failed(at address: String, now: Instant) -> FailedCallers.Verdict { self.rule.failed(at: address, now: now) }
}

@Suite struct `Callers who fail again and again` {
    private func now(_ seconds: Double) -> Instant { Instant(nanoseconds: Int64(seconds * 1e9)) }

    @Test func `have twenty tries, then one every three seconds`() {
        let callers = Callers()
        for _ in 0..<20 { #expect(callers.failed(at: "a", now: self.now(0)) == .counted) }
        #expect(callers.failed(at: "a", now: self.now(0)) == .limited(retryAfter: 3, isFirst: true))
        #expect(callers.failed(at: "a", now: self.now(1)) == .limited(retryAfter: 2, isFirst: false))
        #expect(callers.failed(at: "a", now: self.now(3)) == .counted)
        #expect(callers.failed(at: "a", now: self.now(3)) == .limited(retryAfter: 3, isFirst: true))
    }

    @Test func `of one address are not held against another`() {
        let callers = Callers()
        for _ in 0..<40 { _ = callers.failed(at: "a", now: self.now(0)) }
        #expect(callers.failed(at: "b", now: self.now(0)) == .counted)
    }

    @Test func `who waits as told is counted`() {
        let callers = Callers()
        var time = 0.0
        for _ in 0..<200 {
            switch callers.failed(at: "a", now: self.now(time)) {
            case .counted: continue
            case .limited(let seconds, _):
                time += Double(seconds)
                #expect(callers.failed(at: "a", now: self.now(time)) == .counted)
            }
        }
        #expect(time > 100)
    }

    @Test func `never have more than their burst, however long they were quiet`() {
        let callers = Callers()
        _ = callers.failed(at: "a", now: self.now(0))
        let counted = (0..<100).count { _ in callers.failed(at: "a", now: self.now(1e6)) == .counted }
        #expect(counted == 20)
    }

    @Test func `a clock that stands still or goes back gives nothing`() {
        let callers = Callers()
        for _ in 0..<20 { _ = callers.failed(at: "a", now: self.now(100)) }
        #expect(callers.failed(at: "a", now: self.now(50)) != .counted)
    }

    @Test func `addresses are bounded`() {
        let callers = Callers()
        for number in 0..<(FailedCallers.addressesMax * 3) {
            _ = callers.failed(at: "a\(number)", now: self.now(Double(number) / 1000))
            #expect(callers.count <= FailedCallers.addressesMax)
        }
    }
}
