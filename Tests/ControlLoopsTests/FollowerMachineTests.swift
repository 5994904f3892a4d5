import ClusterState
import ControlLoops
import Registry
import Testing

@Suite struct `A follower's machine` {
    private let generation = Generation("g1")

    @Test func `begins a generation, reads everything, and follows`() {
        var machine = FollowerMachine()
        #expect(machine.compare() == .sync(generation: .none, since: .zero))
        #expect(machine.receive(.empty) == .open(heirOf: .none))
        #expect(machine.done() == .sync(generation: .none, since: .zero))
        #expect(machine.receive(.full(self.head(0))) == .read(.start))
        #expect(machine.receive(self.page([])) == .sync(generation: self.generation, since: .zero))
        #expect(!machine.hasFollowed)
        #expect(machine.receive(.unchanged(self.head(0))) == .rest)
        #expect(machine.hasFollowed)
        #expect(machine.receive([self.entry(5, after: 0, "a")]) == .applied)
        #expect(machine.snapshot().services.map(\.id.text) == ["a"])
        #expect(machine.epoch == Epoch(5))
    }

    @Test func `shows nothing before it has read everything, not even an own write`() {
        var machine = FollowerMachine()
        machine.note(self.entry(5, after: 0, "own"))
        #expect(machine.draft == nil)
    }

    @Test func `stops at a gap, and takes the missing entries from the store`() {
        var machine = self.following()
        #expect(machine.receive([self.entry(7, after: 6, "b")]) == .catchUp)
        #expect(machine.snapshot().services.map(\.id.text) == ["a"])
        #expect(machine.compare() == .sync(generation: self.generation, since: Epoch(5)))
        let entries = [self.entry(6, after: 5, nil), self.entry(7, after: 6, "b")]
        #expect(machine.receive(.delta(self.head(7, stamps: [5, 7]), entries)) == .rest)
        #expect(machine.snapshot().services.map(\.id.text) == ["a", "b"])
    }

    @Test func `passes over entries it has seen`() {
        var machine = self.following()
        #expect(machine.receive([self.entry(4, after: 3, "x"), self.entry(5, after: 0, "a")]) == .applied)
        #expect(machine.snapshot().services.map(\.id.text) == ["a"])
    }

    @Test func `asks again while the store has more to tell`() {
        var machine = self.following()
        _ = machine.compare()
        let step = machine.receive(.delta(self.head(9), [self.entry(6, after: 5, "b")]))
        #expect(step == .sync(generation: self.generation, since: Epoch(6)))
    }

    @Test func `shows an own write at once, chained or not, and it is no difference`() {
        var machine = self.following()
        machine.note(self.entry(8, after: 7, "own"))
        #expect(machine.snapshot().services.map(\.id.text) == ["a", "own"])
        #expect(machine.epoch == Epoch(5), "the change before it is missing")
        #expect(machine.receive([self.entry(7, after: 5, "b"), self.entry(8, after: 7, "own")]) == .applied)
        #expect(machine.epoch == Epoch(8))
        machine.note(self.entry(9, after: 8, "next"))
        #expect(machine.epoch == Epoch(9))
        _ = machine.compare()
        machine.note(self.entry(10, after: 9, "meanwhile"))
        #expect(machine.receive(.unchanged(self.head(9, stamps: [5, 7, 8, 9]))) == .rest)
    }

    @Test func `notices an own write that the store no longer knows`() {
        var machine = self.following()
        machine.note(self.entry(8, after: 7, "own"))
        _ = machine.compare()
        #expect(machine.receive(.unchanged(self.head(5, stamps: [5]))) == .read(.start))
    }

    @Test func `reads everything when the digest differs, then has it counted, then gives up until next time`() {
        var machine = self.following()
        let wrong = self.head(5, stamps: [4])
        _ = machine.compare()
        #expect(machine.receive(.unchanged(wrong)) == .read(.start))
        #expect(
            machine.receive(self.page([self.record(5, "a")])) == .sync(generation: self.generation, since: Epoch(5))
        )
        #expect(machine.receive(.unchanged(wrong)) == .recount)
        #expect(machine.done() == .sync(generation: self.generation, since: Epoch(5)))
        for _ in 0..<2 {
            #expect(machine.receive(.unchanged(wrong)) == .read(.start))
            _ = machine.receive(self.page([self.record(5, "a")]))
        }
        #expect(machine.receive(.unchanged(wrong)) == .rest)
        #expect(machine.takeNotices() == [.contradictory])
    }

    @Test func `gives back what an heir of its data set lacks`() {
        var machine = self.following()
        _ = machine.compare()
        var head = self.head(3)
        (head.generation, head.parent) = (Generation("g2"), self.generation)
        #expect(machine.receive(.full(head)) == .read(.start))
        let lost = self.record(5, "a")
        let page = RegistryPage(generation: head.generation, epoch: Epoch(3), records: [], next: nil)
        #expect(machine.receive(page) == .restore([lost], generation: head.generation, floor: Epoch(5)))
        #expect(machine.snapshot().services.map(\.id.text) == ["a"], "it stays in the snapshot meanwhile")
        let next = machine.restored([(record: lost, result: .restored)])
        #expect(next == .sync(generation: head.generation, since: Epoch(3)))
        #expect(machine.takeNotices() == [.restored(1)])
    }

    @Test func `gives nothing to a data set that is older than its last contact`() {
        var machine = self.following()
        _ = machine.compare()
        var head = self.head(3)
        (head.generation, head.born) = (Generation("other"), Timestamp(milliseconds: 1))
        _ = machine.receive(.full(head))
        let page = RegistryPage(generation: head.generation, epoch: Epoch(3), records: [self.record(2, "z")], next: nil)
        #expect(machine.receive(page) == .sync(generation: head.generation, since: Epoch(3)))
        #expect(machine.snapshot().services.map(\.id.text) == ["z"])
        #expect(machine.takeNotices() == [.foreign(head.generation)])
    }

    @Test func `begins again when the data set is replaced while it reads`() {
        var machine = self.following()
        _ = machine.compare()
        _ = machine.receive(.full(self.head(9)))
        let page = RegistryPage(generation: Generation("g3"), epoch: Epoch(1), records: [], next: nil)
        #expect(machine.receive(page) == .sync(generation: self.generation, since: Epoch(5)))
        #expect(machine.snapshot().services.count == 1)
    }

    @Test func `forgets what was under way when Redis goes, not what it knows`() {
        var machine = self.following()
        _ = machine.compare()
        _ = machine.receive(.full(self.head(9)))
        machine.interrupt()
        #expect(machine.receive(self.page([])) == .rest, "a late page is nobody's")
        #expect(machine.snapshot().services.count == 1)
        #expect(machine.compare() == .sync(generation: self.generation, since: Epoch(5)))
    }

    // MARK: Scenes

    /// Follows `g1` at epoch 5, where one service is known; last contact at 1000 ms.
    private func following() -> FollowerMachine {
        var machine = FollowerMachine()
        _ = machine.compare()
        _ = machine.receive(.full(self.head(0)))
        _ = machine.receive(self.page([]))
        _ = machine.receive(.unchanged(self.head(0)))
        _ = machine.receive([self.entry(5, after: 0, "a")])
        return machine
    }

    private func head(_ epoch: Int64, stamps: [Int64] = []) -> StoreHead {
        StoreHead(
            generation: self.generation,
            parent: .none,
            born: Timestamp(milliseconds: 10),
            epoch: Epoch(epoch),
            digest: stamps.reduce(into: RegistryDigest()) { $0.add(Epoch($1)) },
            time: Timestamp(milliseconds: 1000)
        )
    }

    private func page(_ records: [RegistryRecord]) -> RegistryPage {
        RegistryPage(generation: self.generation, epoch: Epoch(0), records: records, next: nil)
    }

    private func record(_ stamp: Int64, _ id: String) -> RegistryRecord {
        let fields = ["service_url": "http://h", "model_type": "LSTM", "epoch": String(stamp)]
        return FollowerStoreModel.record(RecordKey(.service, id), Epoch(stamp), fields)
    }

    private func entry(_ epoch: Int64, after previous: Int64, _ id: String?) -> LogEntry {
        LogEntry(epoch: Epoch(epoch), previous: Epoch(previous), record: id.map { self.record(epoch, $0) })
    }
}
