import Testing

@testable import DemoModelService

@Suite struct `The fault machine` {
    @Test func `behaves until it is told otherwise, and again once it is cleared`() {
        var machine = FaultMachine()
        #expect(machine.request() == .behave)
        machine.set(FaultSettings(status: 503, retryAfter: 2))
        #expect(machine.request().ending == .answer(status: 503, retryAfter: 2))
        machine.set(FaultSettings())
        #expect(machine.request() == .behave)
    }

    @Test(arguments: [
        (FaultSettings(hang: true), FaultMachine.Ending.hang), (FaultSettings(reset: .before), .reset(.before)),
        (FaultSettings(reset: .middle), .reset(.middle)), (FaultSettings(truncate: true), .truncate),
        (FaultSettings(delayMilliseconds: 5), .serve),
    ])
    func `names the ending of its settings`(settings: FaultSettings, ending: FaultMachine.Ending) {
        var machine = FaultMachine()
        machine.set(settings)
        #expect(machine.request().ending == ending)
    }

    @Test func `carries delay and drip`() {
        var machine = FaultMachine()
        machine.set(FaultSettings(delayMilliseconds: 7, dripMilliseconds: 3))
        let action = machine.request()
        #expect(action == .init(delay: .milliseconds(7), ending: .serve, drip: .milliseconds(3)))
    }

    @Test(arguments: [(0.0, 0), (0.1, 10), (0.25, 25), (0.5, 50), (1.0, 100)])
    func `meets exactly its share of a hundred requests, evenly spread`(share: Double, met: Int) {
        var machine = FaultMachine()
        machine.set(FaultSettings(status: 500, share: share))
        let hits = (0..<100).filter { _ in machine.request().ending != .serve }
        #expect(hits.count == met)
        #expect(machine.met == met)
        let gaps = zip(hits, hits.dropFirst()).map { $1 - $0 }
        #expect(Set(gaps).count <= 1, "\(gaps)")
    }

    @Test func `is over after its count, which a share stretches`() {
        var machine = FaultMachine()
        machine.set(FaultSettings(status: 500, share: 0.5, count: 3))
        let endings = (0..<20).map { _ in machine.request().ending != .serve }
        #expect(endings.prefix(6) == [false, true, false, true, false, true])
        #expect(!endings.dropFirst(6).contains(true))
    }

    @Test func `health alone meets no request`() {
        var machine = FaultMachine()
        machine.set(FaultSettings(health: .fail))
        #expect(machine.request() == .behave)
        #expect(machine.met == 0)
    }
}

@Suite struct `Fault settings` {
    @Test(arguments: [
        (FaultSettings(delayMilliseconds: -1), FaultSettings.CodingKeys.delayMilliseconds),
        (FaultSettings(dripMilliseconds: 60_001), .dripMilliseconds), (FaultSettings(status: 199), .status),
        (FaultSettings(retryAfter: -1), .retryAfter), (FaultSettings(share: 1.1), .share),
        (FaultSettings(count: 0), .count), (FaultSettings(hang: true, truncate: true), .status),
    ])
    func `name the member that is out of range`(settings: FaultSettings, key: FaultSettings.CodingKeys) {
        #expect(settings.complaint?.key == key)
    }

    @Test func `have no complaint when all is in range`() {
        #expect(FaultSettings().complaint == nil)
        #expect(FaultSettings(delayMilliseconds: 60_000, status: 599, share: 0, count: 1).complaint == nil)
    }
}
