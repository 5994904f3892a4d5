/// The number of a leadership. It travels with everything a leader writes, and the store refuses an older one.
///
/// It only rises, and is at least the time in milliseconds at which the leadership began, so that a term which Redis
/// lost is not given out again.
public struct Term: Hashable, Comparable, Sendable {
    public let rawValue: Int64

    public init(_ rawValue: Int64) {
        self.rawValue = rawValue
    }

    /// Nobody's: before any leader, and of writes that are not a leader's.
    public static let none = Term(0)

    public static func < (left: Term, right: Term) -> Bool {
        left.rawValue < right.rawValue
    }
}

extension Term: CustomStringConvertible {
    public var description: String { String(self.rawValue) }
}
