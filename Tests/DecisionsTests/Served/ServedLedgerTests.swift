import Decisions
import Registry
import Testing

@Suite struct `The ledger of what was served` {
    @Test func `tells what is new, and nothing twice`() {
        var ledger = ServedLedger()
        let none = ledger.draft()
        #expect(none == nil, "nothing happened")
        ledger.add(self.news(5, inFlight: 2))
        let first = ledger.draft()
        #expect(first?.number == 1 && first?.new.requests == 5)
        #expect(first?.inFlight == [self.a: 2])
        ledger.answered()
        let nothing = ledger.draft()
        #expect(nothing == nil)
        ledger.add(self.news(3, inFlight: -2))
        let second = ledger.draft()
        #expect(second?.number == 2 && second?.new.requests == 3 && second?.inFlight == [self.a: 0])
    }

    @Test func `repeats a report of unknown fate as it was`() {
        var ledger = ServedLedger()
        ledger.add(self.news(5))
        let first = ledger.draft()
        ledger.add(self.news(4))
        let again = ledger.draft()
        #expect(again == first)
        #expect(ledger.untold == nil, "nobody knows")
        ledger.answered()
        let next = ledger.draft()
        #expect(next?.new == self.news(4))
    }

    @Test func `tells again under a new session what is in flight, and what the old one could not tell`() {
        var ledger = ServedLedger()
        ledger.add(self.news(5, inFlight: 2))
        _ = ledger.draft()
        ledger.answered()
        ledger.add(self.news(1))
        _ = ledger.draft()
        ledger.lapsed()
        let report = ledger.draft()
        #expect(report?.new == self.news(1) && report?.inFlight == [self.a: 2])
    }

    @Test func `says what is missing in what the cluster counted`() throws {
        var ledger = ServedLedger()
        ledger.add(self.news(5, inFlight: 2))
        _ = ledger.draft()
        ledger.answered()
        ledger.add(self.news(3, inFlight: -1))
        let untold = try #require(ledger.untold)
        #expect(untold.after == 1)
        #expect(untold.1 == self.news(3, inFlight: -1))
    }

    @Test func `lets services take turns when there are too many for one report`() throws {
        var ledger = ServedLedger()
        let ids = try (0..<(2 * ServedLedger.servicesMax + 1)).map { try #require(ServiceID("s\($0)")) }
        var told: [ServiceID: Int] = [:]
        for _ in 0..<3 {
            var news = ServedTraffic()
            for id in ids { news.services[id, default: ServiceTraffic()].requests = 1 }
            ledger.add(news)
            let report = ledger.draft()
            #expect(report?.new.services.count == ServedLedger.servicesMax)
            for id in report?.new.services.keys ?? [:].keys { told[id, default: 0] += 1 }
            ledger.answered()
        }
        #expect(told.count == ids.count, "all news all the time, and everybody had a turn")
    }

    private let a: ServiceID

    init() throws { self.a = try #require(ServiceID("a")) }

    private func news(_ requests: Int64, inFlight: Int = 0) -> ServedTraffic {
        var news = ServedTraffic()
        news.requests = requests
        var service = ServiceTraffic()
        (service.requests, service.inFlight) = (requests, inFlight)
        news.services[self.a] = service
        return news
    }
}
