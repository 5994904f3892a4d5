import ClusterState
import ControlLoops
import Gateway
import ManagerAPI
import RedisClient
import Registry

/// The snapshot, as the routes read it.
struct HeldSnapshot: SnapshotReads {
    let holder: SnapshotHolder

    var snapshot: RegistrySnapshot? { self.holder.isLoaded ? self.holder.current : nil }

    func waitForEpoch(_ epoch: Epoch, within limit: Duration) async -> Bool {
        await self.holder.waitForEpoch(epoch, within: limit)
    }
}

extension SnapshotHolder {
    var reads: HeldSnapshot { HeldSnapshot(holder: self) }
}

/// How this replica gets on with Redis, from memory.
struct StoreReport: StoreStatus {
    let redis: Redis
    let contact: StoreContact
    let catchUp: CatchUpLoop

    var storeStatus: StoreCondition {
        let staleness = self.contact.staleness
        guard case .connected(let latency) = self.redis.state, staleness == nil else {
            return StoreCondition(connected: false, staleness: self.contact.silence)
        }
        // Redis answers, and refuses what keeps the session alive: `MISCONF`, `NOREPLICAS`, a right that was taken away.
        if let since = self.catchUp.cutOffSince {
            return StoreCondition(connected: false, latency: latency, staleness: LoopTime.system.now() - since)
        }
        return StoreCondition(connected: true, latency: latency, staleness: .zero)
    }
}

extension ReplicaCondition: ReplicaStatus {}
