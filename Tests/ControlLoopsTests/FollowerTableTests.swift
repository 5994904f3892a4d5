import ClusterState
import ControlLoops
import Registry
import Testing

@Suite struct `A follower's table` {
    @Test func `is the same in whatever order records arrive, and however often`() {
        let records = [
            self.record(1, "a"), self.record(2, "b"), self.record(3, "a", weight: "7"), self.removal(4, "b"),
            self.record(5, "c"), self.record(6, "b"), self.removal(7, "c"),
        ]
        let expected = self.table(records)
        #expect(expected.services.map { "\($0.id) \($0.definition.weight)" } == ["a 7", "b 100"])
        for shift in records.indices {
            #expect(self.table(records[shift...] + records[..<shift] + records) == expected, "from \(shift)")
        }
        #expect(self.table(records.reversed()) == expected)
    }

    @Test func `counts a record that cannot be read, and keeps the form it had`() {
        let table = self.table([self.record(1, "a"), self.record(2, "a", weight: "heavy")])
        #expect(table.services.map(\.definition.weight) == [100])
        #expect(table.digest == RegistryDigest(count: 1, sum: 2))
        #expect(table.records[RecordKey(.service, "a")]?.fields["weight"] == "heavy")
        var fresh = self.table([self.record(2, "a", weight: "heavy")])
        #expect(fresh.services.isEmpty)
        fresh.recall(from: table)
        #expect(fresh.services == table.services)
    }

    @Test func `remembers a bounded number of removals, the newest`() {
        var table = RegistryTable()
        let count = RegistryTable.tombstonesMax + 1
        for stamp in 1...count { table.apply(self.removal(Int64(stamp), "s\(stamp)")) }
        #expect(table.tombstones.count == RegistryTable.tombstonesMax / 2)
        #expect(table.tombstones[RecordKey(.service, "s\(count)")] == Epoch(Int64(count)))
    }

    private func table(_ records: some Sequence<RegistryRecord>) -> RegistryTable {
        records.reduce(into: RegistryTable()) { $0.apply($1) }
    }

    private func record(_ stamp: Int64, _ id: String, weight: String = "100") -> RegistryRecord {
        let fields = ["service_url": "http://h", "model_type": "LSTM", "weight": weight]
        return FollowerStoreModel.record(RecordKey(.service, id), Epoch(stamp), fields)
    }

    private func removal(_ stamp: Int64, _ id: String) -> RegistryRecord {
        FollowerStoreModel.record(RecordKey(.service, id), Epoch(stamp), [:])
    }
}
