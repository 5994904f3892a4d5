internal import RedisClient
public import Registry

/// What the cluster thinks of an instance, as far as routing needs it.
public struct VerdictSight: Hashable, Sendable {
    public var instance: InstanceKey
    public var verdict: Verdict
    public var version: Int64
    /// Replicas that do not reach it though others do, and for how long that is remembered.
    public var unreachableFrom: [String: Duration]

    public init(instance: InstanceKey, verdict: Verdict, version: Int64, unreachableFrom: [String: Duration] = [:]) {
        self.instance = instance
        self.verdict = verdict
        self.version = version
        self.unreachableFrom = unreachableFrom
    }

    /// Nil for an instance whose name no Model Manager wrote.
    init?(_ value: RedisValue) throws(StateError) {
        var part = try ReplyReader(value, of: "health_read")
        let instance = InstanceKey(text: try part.text())
        let verdict = Verdict(rawValue: try part.text())
        self.version = try part.integer()
        self.unreachableFrom = try part.fields().compactMapValues { Int64($0).map { .milliseconds($0) } }
        guard let instance, let verdict else { return nil }
        self.instance = instance
        self.verdict = verdict
    }
}

/// Changes of verdicts since a version.
public struct VerdictReading: Hashable, Sendable {
    /// Below the version asked for when Redis lost its data.
    public var newest: Int64
    public var changed: [VerdictSight]
}

/// All that Redis keeps of an instance's health, for people.
public struct InstanceRecord: Hashable, Sendable {
    /// One line of the history.
    public struct Change: Hashable, Sendable {
        public var at: Timestamp
        public var from: Verdict
        public var to: Verdict
        public var replica: String
        /// Nil when the instance was found well.
        public var error: String?

        /// From `<ms> <verdict before> <verdict> <replica> <error>`; nil for anything else.
        init?(_ line: String) {
            let parts = line.split(separator: " ", maxSplits: 4, omittingEmptySubsequences: false).map(String.init)
            guard parts.count >= 4, let at = Int64(parts[0]), let from = Verdict(rawValue: parts[1]),
                let to = Verdict(rawValue: parts[2])
            else { return nil }
            self.at = Timestamp(milliseconds: at)
            self.from = from
            self.to = to
            self.replica = parts[3]
            self.error = parts.count > 4 && !parts[4].isEmpty ? parts[4] : nil
        }
    }

    public var instance: InstanceKey
    public var verdict: Verdict
    public var since: Timestamp?
    public var lastCheck: Timestamp?
    public var latency: Duration?
    public var checkedBy: String?
    public var error: String?
    /// Newest first, bounded.
    public var history: [Change]

    /// Nil without fields: it was never probed.
    init?(instance: InstanceKey, fields: [String: String], history: [String]) {
        func number(_ name: String) -> Int64? { fields[name].flatMap { Int64($0) } }
        guard fields["checked_by"] != nil else { return nil }
        self.instance = instance
        self.verdict = fields["verdict"].flatMap { Verdict(rawValue: $0) } ?? .unknown
        self.since = number("since").map { Timestamp(milliseconds: $0) }
        self.lastCheck = number("last_check").map { Timestamp(milliseconds: $0) }
        self.latency = number("latency_us").map { .microseconds($0) }
        self.checkedBy = fields["checked_by"]
        self.error = fields["error"].flatMap { $0.isEmpty ? nil : $0 }
        self.history = history.compactMap { Change($0) }
    }
}
