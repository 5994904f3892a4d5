public import Registry

/// Who of those that were asked has answered, and whether it is time to answer the caller.
///
/// All members are waited for, but for `first`, which ends as soon as its quorum is there; and nobody is waited for once
/// the quorum cannot be met any more. Each member runs under the one deadline of the request, so the tally needs no
/// clock. What a member says twice, or after the end, does not count.
public struct AggregateTally: Hashable, Sendable {
    public enum Answer: Hashable, Sendable {
        case value(JSONValue)
        /// Such as `timeout`, `status_500`, `no_field`.
        case failure(String)
    }

    /// What to do now.
    public enum NextAction: Hashable, Sendable {
        case wait
        /// Cancel who still runs, and answer: `isQuorumMet`, and the places of those that never answered.
        case finish(isQuorumMet: Bool, cancelled: [Int])
    }

    public private(set) var answers: [Answer?]
    /// The place of the first value.
    public private(set) var first: Int?
    private let quorum: Int
    private let endsAtQuorum: Bool
    private var isFinished = false

    public init(_ order: AggregateOrder) {
        self.answers = Array(repeating: nil, count: order.targets.count)
        self.quorum = order.quorum
        self.endsAtQuorum = order.strategy == .first
    }

    public var values: Int { self.answers.count { if case .value = $0 { true } else { false } } }

    public mutating func answered(_ place: Int, _ answer: Answer) -> NextAction {
        guard !self.isFinished, self.answers[place] == nil else { return .wait }
        self.answers[place] = answer
        if self.first == nil, case .value = answer { self.first = place }
        let missing = self.answers.indices.filter { self.answers[$0] == nil }
        let isMet = self.values >= self.quorum
        let isHopeless = self.values + missing.count < self.quorum
        guard missing.isEmpty || isHopeless || (isMet && self.endsAtQuorum) else { return .wait }
        self.isFinished = true
        return .finish(isQuorumMet: isMet, cancelled: missing)
    }
}
