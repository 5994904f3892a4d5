import Hummingbird

/// How the service is to misbehave, as told by options or by `POST /_fault`. Nothing set: it behaves.
///
/// At most one of `status`, `hang`, `reset` and `truncate` may be set, for a request ends in one way only.
struct FaultSettings: Sendable, Equatable, ResponseCodable {
    enum Reset: String, Sendable, Codable { case before, middle }
    enum Health: String, Sendable, Codable { case ok, fail, hang }

    static let delayMillisecondsMax = 60_000

    /// Waits so long before anything else.
    var delayMilliseconds: Int?
    /// Answers with this status instead of serving.
    var status: Int?
    /// Seconds, sent as `Retry-After` along with `status`.
    var retryAfter: Int?
    /// Never answers.
    var hang: Bool?
    /// Closes the connection with RST: before the answer or in the middle of its body.
    var reset: Reset?
    /// Promises the whole body, sends half of it and closes the connection in an orderly way.
    var truncate: Bool?
    /// Sends the body in small pieces with so long a pause between them.
    var dripMilliseconds: Int?
    /// Share of requests that the fault meets, 0…1; evenly spread, not drawn by lot. Default 1.
    var share: Double?
    /// After so many faulty answers the fault is over. Default: never.
    var count: Int?
    /// What `GET /health` does; `share` and `count` do not concern it.
    var health: Health?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case delayMilliseconds = "delay_ms"
        case status
        case retryAfter = "retry_after"
        case hang, reset, truncate
        case dripMilliseconds = "drip_ms"
        case share, count, health
    }

    /// The first member that is out of range and what is allowed there; nil when all is well.
    var complaint: (key: CodingKeys, allowed: String)? {
        func outside(_ value: Int?, _ range: ClosedRange<Int>) -> Bool { value.map { !range.contains($0) } ?? false }
        let times = 0...Self.delayMillisecondsMax
        if outside(self.delayMilliseconds, times) { return (.delayMilliseconds, "0 to 60000") }
        if outside(self.dripMilliseconds, times) { return (.dripMilliseconds, "0 to 60000") }
        if outside(self.status, 200...599) { return (.status, "200 to 599") }
        if outside(self.retryAfter, 0...86_400) { return (.retryAfter, "0 to 86400") }
        if outside(self.count, 1...1_000_000_000) { return (.count, "1 to 1000000000") }
        if let share, !(0...1).contains(share) { return (.share, "0 to 1") }
        if self.endings > 1 { return (.status, "only one of status, hang, reset and truncate") }
        return nil
    }

    private var endings: Int {
        [self.status != nil, self.hang == true, self.reset != nil, self.truncate == true].count { $0 }
    }
}

extension FaultSettings {
    /// Reads `"reset": true` as `before`, and refuses members that it does not know.
    init(from decoder: any Decoder) throws {
        try UnknownMembers.refuse(in: decoder, known: CodingKeys.allCases.map(\.rawValue))
        let members = try decoder.container(keyedBy: CodingKeys.self)
        self.init()
        self.delayMilliseconds = try members.decodeIfPresent(Int.self, forKey: .delayMilliseconds)
        self.status = try members.decodeIfPresent(Int.self, forKey: .status)
        self.retryAfter = try members.decodeIfPresent(Int.self, forKey: .retryAfter)
        self.hang = try members.decodeIfPresent(Bool.self, forKey: .hang)
        self.truncate = try members.decodeIfPresent(Bool.self, forKey: .truncate)
        self.dripMilliseconds = try members.decodeIfPresent(Int.self, forKey: .dripMilliseconds)
        self.share = try members.decodeIfPresent(Double.self, forKey: .share)
        self.count = try members.decodeIfPresent(Int.self, forKey: .count)
        self.health = try members.decodeIfPresent(Health.self, forKey: .health)
        if let all = try? members.decode(Bool.self, forKey: .reset) {
            self.reset = all ? .before : nil
        } else {
            self.reset = try members.decodeIfPresent(Reset.self, forKey: .reset)
        }
    }
}
