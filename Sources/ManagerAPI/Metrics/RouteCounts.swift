internal import Synchronization

/// How often each route was asked for and with which class of status: what `/metrics` shows of the control plane.
///
/// Bounded by the route table: a request that matches no route counts as `none`, whatever it asked for.
final class RouteCounts: Sendable {
    struct Key: Hashable, Comparable {
        var operation: String
        var statusClass: Int

        static func < (left: Key, right: Key) -> Bool {
            (left.operation, left.statusClass) < (right.operation, right.statusClass)
        }
    }

    private let counts = Mutex<[Key: Int64]>([:])

    func answered(_ route: Route?, status: Int) {
        let key = Key(operation: route?.name ?? "none", statusClass: status / 100)
        self.counts.withLock { $0[key, default: 0] += 1 }
    }

    /// Sorted.
    var all: [(key: Key, count: Int64)] {
        self.counts.withLock { $0 }.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}
