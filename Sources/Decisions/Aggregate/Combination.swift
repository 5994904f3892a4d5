public import Registry

/// Makes one value of several answers, element by element where they are arrays.
///
/// `mean`, `median` and `weighted` are for numbers, and arrays of one shape of them. `vote` takes the value that most
/// members gave, each element by itself in arrays of one length; of several equally frequent ones that of the member
/// named first. `all` is the list of what came, in the order of the targets; `first` what came first.
public enum Combination {
    /// Answers that do not go together.
    public struct Mismatch: Error, Hashable, Sendable {
        public var message: String
    }

    /// The values stand in the order of the targets; there is at least one. For `weighted` there are as many weights;
    /// `first` is the place of the one that came first.
    public static func combine(
        _ values: [JSONValue],
        by strategy: AggregateOrder.Strategy,
        weights: [Double] = [],
        first: Int = 0
    ) throws(Mismatch) -> JSONValue {
        switch strategy {
        case .all: return .array(values)
        case .first: return values[first]
        case .vote: return self.vote(values)
        case .mean: return try self.elementwise(values) { $0.reduce(0, +) / Double($0.count) }
        case .median: return try self.elementwise(values, self.median)
        case .weighted:
            let total = weights.reduce(0, +)
            return try self.elementwise(values) { zip($0, weights).reduce(0) { $0 + $1.0 * $1.1 } / total }
        }
    }

    private static func median(_ numbers: [Double]) -> Double {
        let sorted = numbers.sorted()
        let middle = sorted.count / 2
        return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
    }

    /// Walks down arrays that all have the same number of elements, to the numbers.
    private static func elementwise(
        _ values: [JSONValue],
        _ combine: ([Double]) -> Double
    ) throws(Mismatch) -> JSONValue {
        let numbers = values.compactMap(\.asNumber)
        if numbers.count == values.count {
            let combined = combine(numbers)
            guard combined.isFinite else { throw Mismatch(message: "the combined number is too large") }
            return .number(combined)
        }
        let lists = values.compactMap(\.asArray)
        guard lists.count == values.count else {
            let kinds = Set(values.map(\.kindName)).sorted().joined(separator: " and ")
            throw Mismatch(message: "only numbers and arrays of numbers can be combined, not \(kinds)")
        }
        let counts = Set(lists.map(\.count))
        guard counts.count == 1 else {
            throw Mismatch(message: "the arrays have different lengths: \(counts.sorted())")
        }
        var combined: [JSONValue] = []
        combined.reserveCapacity(lists[0].count)
        for place in lists[0].indices { combined.append(try self.elementwise(lists.map { $0[place] }, combine)) }
        return .array(combined)
    }

    private static func vote(_ values: [JSONValue]) -> JSONValue {
        let lists = values.compactMap(\.asArray)
        if lists.count == values.count, Set(lists.map(\.count)).count == 1 {
            return .array(lists[0].indices.map { place in self.vote(lists.map { $0[place] }) })
        }
        var counts: [JSONValue: Int] = [:]
        for value in values { counts[self.comparable(value), default: 0] += 1 }
        var best = values[0]
        for value in values.dropFirst()
        where counts[self.comparable(value), default: 0] > counts[self.comparable(best), default: 0] {
            best = value
        }
        return best
    }

    /// `1` and `1.0` are one vote.
    private static func comparable(_ value: JSONValue) -> JSONValue {
        value.asNumber.map { .number($0) } ?? value
    }
}
