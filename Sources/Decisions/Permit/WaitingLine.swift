/// Those who wait for a permit of any of a pool's instances, in the order in which they came.
///
/// The hard case is a second try: it must not go to an instance that has failed it already, so it lets others pass when
/// a permit of that instance comes free, and keeps its place for any other.
public struct WaitingLine: Sendable, Equatable {
    /// One who waits; `id` names it, `refused` are the instances that it does not want.
    public struct Waiter: Hashable, Sendable {
        public let id: Int
        public let refused: [Int]

        public init(id: Int, refused: [Int] = []) {
            self.id = id
            self.refused = refused
        }
    }

    public private(set) var waiters: [Waiter] = []

    public init() {}

    public var isEmpty: Bool { self.waiters.isEmpty }
    public var count: Int { self.waiters.count }

    public mutating func join(_ waiter: Waiter) {
        self.waiters.append(waiter)
    }

    /// False when it is not there (any more).
    public mutating func leave(_ id: Int) -> Bool {
        guard let place = self.waiters.firstIndex(where: { $0.id == id }) else { return false }
        self.waiters.remove(at: place)
        return true
    }

    /// Who is next at the instance.
    public func next(for instance: Int) -> Int? {
        self.waiters.first { !$0.refused.contains(instance) }?.id
    }

    /// How many permits of each of its instances the line asks for: its length, spread over them, rounded up.
    public func need(instances: Int) -> Int {
        instances == 0 ? 0 : (self.waiters.count + instances - 1) / instances
    }
}
