/// The members that a request was sent to already. Costs nothing until the first failure.
public struct TriedMembers: Hashable, Sendable {
    public private(set) var indexes: [Int] = []

    public init() {}

    public init(_ indexes: [Int]) {
        self.indexes = indexes
    }

    public mutating func insert(_ index: Int) {
        if !self.contains(index) { self.indexes.append(index) }
    }

    public func contains(_ index: Int) -> Bool {
        self.indexes.contains(index)
    }
}
