import ControlLoops
import Registry
import Synchronization
import Testing

@Suite struct `The snapshot holder` {
    @Test func `ends a wait when the epoch is used, after its subscribers have it`() async {
        let holder = SnapshotHolder()
        let delivered = Mutex<[Int64]>([])
        holder.subscribe { snapshot in delivered.withLock { $0.append(snapshot.epoch.rawValue) } }
        async let isReached = holder.waitForEpoch(Epoch(7), within: .seconds(10))
        for epoch: Int64 in [5, 7, 9] {
            holder.publish(RegistrySnapshot(epoch: Epoch(epoch), services: [], pointers: [:]))
        }
        #expect(await isReached)
        #expect(delivered.withLock { $0 } == [5, 7, 9])
        #expect(await holder.waitForEpoch(Epoch(8), within: .zero), "it is there already")
    }

    @Test func `gives up a wait that takes too long or is cancelled`() async {
        let holder = SnapshotHolder()
        #expect(await !holder.waitForEpoch(.zero, within: .milliseconds(10)), "there is no snapshot at all")
        let waiting = Task { await holder.waitForEpoch(Epoch(1), within: .seconds(60)) }
        waiting.cancel()
        #expect(await !waiting.value)
    }

    @Test func `tells a late subscriber what is now`() {
        let holder = SnapshotHolder()
        #expect(!holder.isLoaded)
        holder.publish(RegistrySnapshot(epoch: Epoch(5), services: [], pointers: [:]))
        let seen = Mutex(Epoch.zero)
        holder.subscribe { snapshot in seen.withLock { $0 = snapshot.epoch } }
        #expect(seen.withLock { $0 } == Epoch(5))
    }
}
