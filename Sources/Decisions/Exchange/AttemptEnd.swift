/// How one attempt at an instance ended without an answer that can go to the caller at once.
public enum AttemptEnd: Sendable, Hashable {
    /// No connection came about: nothing was sent.
    case unreachable
    /// Too many connections are open already, to the instance or in all: nothing was sent, and it is not to blame.
    case crowded
    /// The connection ended after bytes were sent and before the answer's first byte.
    case reset
    /// The attempt's share of the deadline passed.
    case timeout
    /// What came was no HTTP answer.
    case broken
    /// An answer that asks for another try: 5xx or 429. It is kept, for it may have to go to the caller after all.
    case status(Int)

    /// Whether the instance may have seen the request. What it cannot have seen is repeated without a second thought.
    public var wasSent: Bool {
        switch self {
        case .unreachable, .crowded: false
        case .reset, .timeout, .broken, .status: true
        }
    }

    /// Whether another instance may do better on an answer with this status.
    @inline(__always)
    public static func asksForRetry(_ status: Int) -> Bool { status >= 500 || status == 429 }
}
