import Testing

@testable import RedisClient

@Suite struct `News of connections` {
    enum Fact {
        case connected
        case lost(RedisError.Code, second: Double)
    }

    /// Which of the facts are told.
    static func told(_ facts: [Fact]) -> [Bool] {
        let start = ContinuousClock.now
        var news = ConnectionNews(now: start)
        return facts.map { fact in
            switch fact {
            case .connected: news.connected()
            case .lost(let code, let second): news.lost(code, now: start + .seconds(second))
            }
        }
    }

    @Test func `three connections that break and come back are told as one`() {
        let told = Self.told([
            .connected, .connected, .connected,
            .lost(.connectionLost, second: 10), .lost(.connectionLost, second: 10), .lost(.connectionLost, second: 11),
            .lost(.connectFailed, second: 12), .lost(.connectFailed, second: 13), .lost(.connectFailed, second: 14),
            .connected, .connected, .connected,
        ])
        #expect(told == [true, false, false, true, false, false, true, false, false, true, false, false])
    }

    @Test func `one that breaks alone is told, and so is its return`() {
        let told = Self.told([
            .connected, .connected, .lost(.connectionLost, second: 5), .connected, .lost(.connectionLost, second: 6),
        ])
        #expect(told == [true, false, true, true, true])
    }

    @Test func `the same reason is told again after a minute`() {
        let seconds = [2, 61.9, 62]
        #expect(Self.told(seconds.map { .lost(.connectFailed, second: $0) }) == [true, false, true])
    }

    @Test func `a server that needs a moment at the start is no news`() {
        let told = Self.told([.lost(.connectFailed, second: 0.9), .connected, .lost(.connectionLost, second: 0.95)])
        #expect(told == [false, true, true])
    }
}
