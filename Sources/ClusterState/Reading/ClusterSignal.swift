internal import RedisClient
public import Registry

/// News that cannot wait for the next reading. Only a hint: it may come late, twice, or not at all.
public enum ClusterSignal: Hashable, Sendable {
    /// A replica took the leadership.
    case elected(holder: String, Term)
    /// The leader gave it back: whoever wants it may ask at once.
    case resigned(holder: String, Term)
    /// A session began to wait for permits of an instance.
    case wantsPermits(instance: String, session: String)
    /// Permits of an instance for which somebody waits were given back.
    case freedPermits(instance: String, session: String)
    /// A replica ended its session.
    case left(replica: String, session: String)
    /// A breaker opened, became half open or closed.
    case breakerMoved(instance: String, version: Int64)
    /// A request waits for a probe that another session may have in hand unused.
    case wantsProbe(instance: String, session: String)
    case freedProbe(instance: String, session: String)
    /// A verdict changed, or who reaches the instance.
    case verdictChanged(instance: String, version: Int64)
    /// A replica finds the instance down; another one shall look.
    case secondOpinion(instance: String, replica: String)
    /// Something that discovery looks at may have changed.
    case hint(subject: String, reason: String)
    /// What another build may have to say.
    case other(kind: String, subject: String, detail: String)

    /// Nil for an entry that no Model Manager wrote.
    init?(_ value: RedisValue) {
        guard let parts = value.array, parts.count == 2, let flat = parts[1].array else { return nil }
        let fields = ReplyReader.dictionary(flat.map { $0.string ?? "" }[...])
        guard let kind = fields["kind"], let subject = fields["subject"] else { return nil }
        let detail = fields["detail"] ?? ""
        switch kind {
        case "elected": self = .elected(holder: subject, Term(Int64(detail) ?? 0))
        case "resigned": self = .resigned(holder: subject, Term(Int64(detail) ?? 0))
        case "want": self = .wantsPermits(instance: subject, session: detail)
        case "free": self = .freedPermits(instance: subject, session: detail)
        case "left": self = .left(replica: subject, session: detail)
        case "breaker": self = .breakerMoved(instance: subject, version: Int64(detail) ?? 0)
        case "probe_wanted": self = .wantsProbe(instance: subject, session: detail)
        case "probe_free": self = .freedProbe(instance: subject, session: detail)
        case "verdict": self = .verdictChanged(instance: subject, version: Int64(detail) ?? 0)
        case "second_opinion": self = .secondOpinion(instance: subject, replica: detail)
        case "hint": self = .hint(subject: subject, reason: detail)
        default: self = .other(kind: kind, subject: subject, detail: detail)
        }
    }
}
