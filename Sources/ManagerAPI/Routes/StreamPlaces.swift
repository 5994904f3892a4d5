internal import Synchronization

/// A bound on answers that may go on for ever. A place is given back by the end of whoever holds it, so that an answer
/// which is never written (its caller left, or asked by HEAD) gives it back, too.
final class StreamPlaces: Sendable {
    private let max: Int
    private let taken = Mutex(0)

    init(max: Int) { self.max = max }

    final class Place: Sendable {
        private let places: StreamPlaces

        fileprivate init(_ places: StreamPlaces) { self.places = places }

        deinit { self.places.taken.withLock { $0 -= 1 } }
    }

    /// Nil when all are taken.
    func take() -> Place? {
        let isFree = self.taken.withLock { taken in
            guard taken < self.max else { return false }
            taken += 1
            return true
        }
        return isFree ? Place(self) : nil
    }
}
