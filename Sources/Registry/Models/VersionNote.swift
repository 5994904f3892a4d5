/// What the store wrote down about one version, beside the services that offer it.
public struct VersionNote: Hashable, Sendable {
    /// Nil: no exception, so the services decide.
    public var state: VersionState?
    /// Of the last change of its state, or of the last switch to it.
    public var since: Timestamp?
    /// On the lease clock, in milliseconds: until when the last requests of a draining version are waited for.
    public var until: Int64?
    /// For people.
    public var why: String?
    /// The last verdicts of offline tests, the newest last, as callers see them.
    public var evaluations: [JSONValue] = []

    public init(state: VersionState? = nil, since: Timestamp? = nil, until: Int64? = nil, why: String? = nil) {
        self.state = state
        self.since = since
        self.until = until
        self.why = why
    }
}
