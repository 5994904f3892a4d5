internal import Decisions
internal import Registry

/// Which version a request means that names none, while the traffic of its model type is split.
///
/// Intuition: the shares are laid out as a timetable of at most a hundred slots, as evenly as it goes, and each request
/// takes the next ticket of the model type. Replicas that share the tickets share the timetable, so that 1 % of 10,000
/// requests is 100, give or take the tickets that lie about unused; dice would miss it by twenty.
/// A caller with a hash key is sent by the key alone: the same key means the same version, and a share that grows keeps
/// those it had.
final class VersionSplit: Sendable {
    /// Sorted by name, each with a share above zero and a pool for predictions.
    private let versions: [RoutingTable.Version]
    private let slots: [Int32]
    /// Where each version's stretch of a hundred ends.
    private let ends: [UInt64]
    private let tickets: TicketSource

    /// Nil when no version has a share.
    init?(_ shares: [(version: RoutingTable.Version, share: Int)], tickets: TicketSource) {
        let shares = shares.filter { $0.share > 0 }.sorted { $0.version.name < $1.version.name }
        guard !shares.isEmpty else { return nil }
        self.versions = shares.map(\.version)
        self.slots = WeightedSchedule(weights: shares.map(\.share)).slots
        var end: UInt64 = 0
        self.ends = shares.map { entry in
            end += UInt64(entry.share)
            return end
        }
        self.tickets = tickets
        tickets.setMembers(self.slots.count)
    }

    @inline(__always)
    func version(hashKey: UInt64?) -> RoutingTable.Version {
        guard let hashKey else {
            let slot = Int(self.tickets.take() % UInt64(self.slots.count))
            return self.versions[Int(self.slots[slot])]
        }
        return self.sticky(hashKey)
    }

    /// Mixed once more, so that the version does not go along with the instance that the same key is hashed to.
    private func sticky(_ hashKey: UInt64) -> RoutingTable.Version {
        let point = StableHash.mixed(hashKey ^ Self.salt) % (self.ends.last ?? 1)
        return self.versions[self.ends.firstIndex { point < $0 } ?? 0]
    }

    private static let salt: UInt64 = 0x5EED_0F5E_EDED_5A17
}
