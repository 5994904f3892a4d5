/// What a caller may do. Each role includes those before it.
public enum Role: String, Hashable, Comparable, Sendable, CaseIterable {
    /// Predict, train, and read everything but keys.
    case predict
    /// Change services and models as well.
    case `operator`
    /// See keys as well.
    case admin

    private var rank: Int {
        switch self {
        case .predict: 0
        case .operator: 1
        case .admin: 2
        }
    }

    public static func < (left: Role, right: Role) -> Bool { left.rank < right.rank }
}
