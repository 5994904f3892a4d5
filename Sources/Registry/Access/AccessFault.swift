/// Why a request is not let in.
public enum AccessFault: Error, Hashable, Sendable {
    /// It shows nothing.
    case missing
    /// It shows something that is neither a key nor a token, or two things at once.
    case malformed(String)
    /// A key that nobody has.
    case unknown
    /// A key whose time is over.
    case expired
    /// A token that is not believed, and why.
    case token(String)

    /// Names the fault in metrics.
    public var name: String {
        switch self {
        case .missing: "missing"
        case .malformed: "malformed"
        case .unknown: "unknown"
        case .expired: "expired"
        case .token: "token"
        }
    }

    public static let names = ["missing", "malformed", "unknown", "expired", "token"]
}
