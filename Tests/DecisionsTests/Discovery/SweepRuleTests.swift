import Decisions
import Registry
import Testing

@Suite struct `The sweep clock` {
    let start = Instant(nanoseconds: 1_000_000_000_000)

    @Test func `is due at once, then after each interval`() {
        var clock = SweepClock(interval: .seconds(30))
        #expect(clock.isDue(now: self.start))
        clock.begin(now: self.start)
        #expect(!clock.isDue(now: self.start + .seconds(29)))
        #expect(clock.isDue(now: self.start + .seconds(30)))
    }

    @Test func `is due early after a hint, but keeps a gap, and loses no hint`() {
        var clock = SweepClock(interval: .seconds(30))
        clock.begin(now: self.start)
        for _ in 0..<100 { clock.hint() }
        #expect(!clock.isDue(now: self.start + .milliseconds(1999)))
        #expect(clock.isDue(now: self.start + .seconds(2)))
        clock.begin(now: self.start + .seconds(2))
        #expect(!clock.isDue(now: self.start + .seconds(31)), "a hint is served once")
        clock.hint()
        #expect(clock.isDue(now: self.start + .seconds(4)))
    }

    @Test func `keeps no gap longer than the interval, and begins anew with a new leadership`() {
        var clock = SweepClock(interval: .milliseconds(100))
        clock.begin(now: self.start)
        clock.hint()
        #expect(clock.isDue(now: self.start + .milliseconds(100)))
        clock.stop()
        #expect(clock.isDue(now: self.start))
    }
}

@Suite struct `The seed ledger` {
    static func ids(_ names: [String]) throws -> [ServiceID] { try names.map { try #require(ServiceID($0)) } }

    static func known(_ names: [String], unlisted: [String] = []) throws -> [SeedLedger.Known] {
        try Self.ids(names).map { SeedLedger.Known(id: $0, isListed: true) }
            + Self.ids(unlisted).map { SeedLedger.Known(id: $0, isListed: false) }
    }

    /// What the last of so many sweeps says, each with the same facts.
    static func sweep(
        _ ledger: inout SeedLedger,
        _ times: Int,
        _ known: [SeedLedger.Known],
        seen: [String]
    ) throws -> SeedLedger.SettleAction {
        var action = SeedLedger.SettleAction()
        for _ in 0..<times { action = ledger.settle(known: known, seen: Set(try Self.ids(seen))) }
        return action
    }

    @Test func `lets go what is silent for three sweeps in a row`() throws {
        var ledger = SeedLedger()
        let known = try Self.known(["a", "b", "c"])
        #expect(try Self.sweep(&ledger, 2, known, seen: ["a", "b"]) == .init())
        #expect(try Self.sweep(&ledger, 1, known, seen: ["a", "b", "c"]) == .init())
        #expect(try Self.sweep(&ledger, 2, known, seen: ["a", "b"]) == .init())
        #expect(try Self.sweep(&ledger, 1, known, seen: ["a", "b"]).remove == Self.ids(["c"]))
    }

    @Test(arguments: [
        (["a"], [], ["a"], []), (["a", "b"], ["a"], ["b"], []), (["a", "b"], [], [], ["a", "b"]),
        (["a", "b", "c"], ["a"], [], ["b", "c"]), (["a", "b", "c", "d"], ["a", "b"], ["c", "d"], []),
        (["a", "b", "c", "d"], ["a"], [], ["b", "c", "d"]),
    ])
    func `keeps all when more than half, and more than one, are silent`(
        known: [String],
        seen: [String],
        remove: [String],
        keep: [String]
    ) throws {
        var ledger = SeedLedger()
        let action = try Self.sweep(&ledger, 3, try Self.known(known), seen: seen)
        #expect(action.remove == (try Self.ids(remove)))
        #expect(action.keep == (try Self.ids(keep)))
    }

    @Test func `lets go without a doubt what nobody asks for any more`() throws {
        var ledger = SeedLedger()
        let known = try Self.known(["a"], unlisted: ["x", "y", "z"])
        #expect(try Self.sweep(&ledger, 3, known, seen: ["a"]).remove == Self.ids(["x", "y", "z"]))
    }

    @Test func `lets go one after the other what died one after the other`() throws {
        var ledger = SeedLedger()
        var alive = ["a", "b", "c", "d"]
        while let dead = alive.popLast() {
            let known = try Self.known(alive + [dead])
            #expect(try Self.sweep(&ledger, 3, known, seen: alive).remove == Self.ids([dead]))
        }
    }
}

@Suite struct `The reconciliation of a catalogue` {
    static func entries(_ weights: [String: Int]) throws -> [FileReconciliation.Entry] {
        try weights.map { name, weight in
            let definition = ServiceDefinition(
                id: try #require(ServiceID(name)),
                url: try ServiceURL("http://\(name)"),
                modelType: try #require(ModelType("M"))
            )
            return FileReconciliation.Entry(definition: definition, fingerprint: String(weight))
        }
    }

    static func reconcile(
        _ applied: [String: String],
        _ entries: [String: Int],
        others: Set<String> = [],
        doubts: Int = 0
    ) throws -> CatalogueReconciliation {
        CatalogueReconciliation(
            applied: applied,
            entries: try Self.entries(entries),
            others: others,
            doubts: doubts
        )
    }

    @Test func `applies what changed and removes what left`() throws {
        let work = try Self.reconcile(["a": "1", "b": "1", "c": "1"], ["a": 1, "b": 2, "d": 1])
        #expect(work.register.map(\.definition.id.text) == ["b", "d"])
        #expect(work.remove == ["c"])
        #expect(work.doubted.isEmpty && work.taken.isEmpty && work.forget.isEmpty)
    }

    @Test func `leaves to other documents what they brought`() throws {
        let work = try Self.reconcile(["a": "1", "b": "1"], ["b": 2, "c": 1], others: ["a", "b", "c"])
        #expect(work.register.isEmpty && work.remove.isEmpty)
        #expect(work.forget == ["a", "b"])
        #expect(work.taken == ["b", "c"])
    }

    @Test func `doubts a catalogue that lost most of its entries at once, for ten sweeps`() throws {
        let applied = ["a": "1", "b": "1", "c": "1"]
        for doubts in 0..<10 {
            let work = try Self.reconcile(applied, ["a": 1, "d": 1], doubts: doubts)
            #expect(work.remove.isEmpty && work.doubted == ["b", "c"])
            #expect(work.register.map(\.definition.id.text) == ["d"], "what is new counts at once")
        }
        #expect(try Self.reconcile(applied, ["a": 1], doubts: 10).remove == ["b", "c"])
        #expect(try Self.reconcile(["a": "1"], [:]).remove == ["a"], "a single one is no mass")
    }
}

@Suite struct `The hint watch` {
    @Test func `tells once of a new name, and of an instance that went bad`() throws {
        let (a, b) = (try #require(ServiceID("a")), try #require(ServiceID("b")))
        let key = InstanceKey(service: b, url: try ServiceURL("http://10.0.0.1"))
        var watch = HintWatch()
        func look(_ isResolved: Bool, _ bad: Set<InstanceKey>) -> [HintWatch.Look] {
            [.init(id: a, isResolved: isResolved, bad: []), .init(id: b, isResolved: true, bad: bad)]
        }
        #expect(watch.look(look(false, [])) == [a])
        #expect(watch.look(look(false, [])) == [])
        #expect(watch.look(look(true, [key])) == [b])
        #expect(watch.look(look(true, [key])) == [])
        #expect(watch.look(look(true, [])) == [])
        #expect(watch.look(look(true, [key])) == [b])
    }
}
