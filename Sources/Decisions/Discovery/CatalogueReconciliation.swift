internal import Registry

/// What must be done to the registry because a catalogue says something else than it did: the rules of the services
/// file, and two more.
///
/// An id that another document brought first stays that document's until it drops it; who wins does not depend on who
/// is read last. And a catalogue that drops most of its entries at once is doubted: a generator that failed often gives
/// an empty, well-formed list. Its removals are held back until it has said the same in ten sweeps.
public struct CatalogueReconciliation: Hashable, Sendable {
    /// New or changed entries, by id.
    public let register: [FileReconciliation.Entry]
    /// Ids of entries that left: their services go if they are still a document's.
    public let remove: [String]
    /// Ids that this catalogue brought once and that are another document's now: only the memory of them goes.
    public let forget: [String]
    /// Ids of entries that another document brought first.
    public let taken: [String]
    /// Ids that would be removed if it were believed.
    public let doubted: [String]

    /// Sweeps in a row in which a catalogue must say the same before it is believed.
    public static let doubtsMax = 10

    /// The `applied` are what of this catalogue was applied, `others` the ids that other documents brought, `doubts` the
    /// sweeps in a row that were doubted until now.
    public init(applied: [String: String], entries: [FileReconciliation.Entry], others: Set<String>, doubts: Int) {
        let own = FileReconciliation(
            applied: applied.filter { !others.contains($0.key) },
            entries: entries.filter { !others.contains($0.definition.id.text) }
        )
        self.register = own.register
        self.forget = applied.keys.filter { others.contains($0) }.sorted()
        self.taken = entries.map(\.definition.id.text).filter { others.contains($0) }.sorted()
        let isDoubted = SeedLedger.isMass(own.remove.count, of: applied.count) && doubts < Self.doubtsMax
        self.remove = isDoubted ? [] : own.remove
        self.doubted = isDoubted ? own.remove : []
    }
}
