public import Registry

/// Which services found by introspection have to leave because they are seen no more.
///
/// One silent sweep means little, three in a row mean that the server is gone. But when most of them vanish at once, it
/// is more likely the leader that is cut off: then nobody leaves, however long it lasts, and the log says so (the same
/// thought as the panic rule: rather ask a dead instance than nobody). A single loss is never "most". The misses are
/// the leader's own memory: a new leader begins to count anew and so keeps a service longer, never shorter.
public struct SeedLedger: Hashable, Sendable {
    /// A service that introspection registered before.
    public struct Known: Hashable, Sendable {
        public var id: ServiceID
        /// Its seed is still configured, and nobody else registered what is there. Others leave without a doubt.
        public var isListed: Bool

        public init(id: ServiceID, isListed: Bool) {
            self.id = id
            self.isListed = isListed
        }
    }

    public struct SettleAction: Hashable, Sendable {
        /// Sorted.
        public var remove: [ServiceID] = []
        /// Due to leave, and kept because most are missing at once. Sorted.
        public var keep: [ServiceID] = []

        public init(remove: [ServiceID] = [], keep: [ServiceID] = []) {
            self.remove = remove
            self.keep = keep
        }
    }

    /// Silent sweeps in a row after which a service leaves.
    public static let missesMax = 3
    private var misses: [ServiceID: Int] = [:]

    public init() {}

    /// A sweep has ended: these were registered, those were seen.
    public mutating func settle(known: [Known], seen: Set<ServiceID>) -> SettleAction {
        let missing = known.filter { !seen.contains($0.id) }
        let before = self.misses
        self.misses = Dictionary(uniqueKeysWithValues: missing.map { ($0.id, (before[$0.id] ?? 0) + 1) })
        let isMass = Self.isMass(missing.count { $0.isListed }, of: known.count { $0.isListed })
        var action = SettleAction()
        for service in missing.sorted(by: { $0.id < $1.id }) where (self.misses[service.id] ?? 0) >= Self.missesMax {
            if isMass && service.isListed { action.keep.append(service.id) } else { action.remove.append(service.id) }
        }
        return action
    }

    /// More than half, and more than one.
    public static func isMass(_ count: Int, of all: Int) -> Bool { count > 1 && 2 * count > all }
}
