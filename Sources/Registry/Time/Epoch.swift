/// The number that orders registry changes and the snapshots made of them.
///
/// A hybrid logical clock in microseconds, kept in Redis: it follows the wall clock, never goes back, and survives
/// the loss of the data set because every writer brings the highest epoch it has seen. Below 2^53, so JSON and Lua
/// carry it exactly.
public struct Epoch: Hashable, Comparable, Sendable {
    public let rawValue: Int64

    public init(_ rawValue: Int64) {
        self.rawValue = rawValue
    }

    /// Before any change.
    public static let zero = Epoch(0)

    public static func < (left: Epoch, right: Epoch) -> Bool {
        left.rawValue < right.rawValue
    }
}

extension Epoch: CustomStringConvertible {
    public var description: String { String(self.rawValue) }
}
