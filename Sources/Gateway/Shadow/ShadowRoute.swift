internal import Registry

/// Where copies of a model type's predictions go, in one snapshot.
final class ShadowRoute: Sendable {
    let pool: RoutePool
    let percent: Int
    let field: String

    /// Copies under way on one event loop; further ones are skipped.
    static let copiesMax = 64
    /// A larger request is not kept for a copy.
    static let requestBytesMax = 1024 * 1024

    /// One that has to be translated for the copy is smaller still: callers' translations come first.
    func requestBytesMax(from pool: RoutePool) -> Int {
        self.pool.key.capability == pool.key.capability ? Self.requestBytesMax : TranslationWorkers.loopBytesMax
    }

    init(pool: RoutePool, shadow: Shadow) {
        self.pool = pool
        self.percent = shadow.percent
        self.field = shadow.field
    }

    /// Whether the next request is to be copied. Counted out, not diced: of a hundred in a row on one event loop exactly
    /// as many are copied as the percentage says.
    func takesNext(_ lane: VersionLane) -> Bool {
        lane.shadowDue += self.percent
        guard lane.shadowDue >= 100 else { return false }
        lane.shadowDue -= 100
        return true
    }
}
