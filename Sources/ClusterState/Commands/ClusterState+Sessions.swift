internal import RedisClient
internal import Registry

/// What became of a beat.
public enum BeatReply: Hashable, Sendable {
    case opened(ClusterSight)
    case extended(ClusterSight)
    /// The session is over, or never was: what was held through it belongs to others.
    case lapsed
}

extension ClusterState {
    /// Opens or extends a session, tells the others how this replica is, and learns who else lives and who leads.
    ///
    /// A session is named `<replica id>.<something new>`; a name that lapsed never opens again. Redis keeps it for `ttl`
    /// without another beat, counted from when the last one was sent. To open what is open already is harmless, and
    /// extends nothing, so it may be repeated after an unknown outcome.
    /// `sentAt` is in milliseconds on the lease clock; nil opens the session.
    public func beat(
        _ session: String,
        for ttl: Duration,
        sentAt: Int64?,
        _ status: ReplicaReport
    ) async throws(StateError) -> BeatReply {
        let head = [session, Self.milliseconds(ttl), sentAt.map { String($0) } ?? "open"]
        let arguments = head + status.fields.flatMap { [$0.name, $0.value] }
        var reply = try await self.call("session_beat", arguments.map { RedisWord($0) })
        switch try reply.text() {
        case "opened": return .opened(try Self.sight(&reply))
        case "extended": return .extended(try Self.sight(&reply))
        case "lapsed": return .lapsed
        case let status: throw StateError(.unreadable, "session_beat answered \(status)")
        }
    }

    /// Ends a session at once: everything held through it is free.
    public func endSession(_ session: String) async throws(StateError) {
        _ = try await self.call("session_end", [RedisWord(session)])
    }

    static func milliseconds(_ duration: Duration) -> String {
        String(duration.inNanoseconds / 1_000_000)
    }

    private static func sight(_ reply: inout ReplyReader) throws(StateError) -> ClusterSight {
        let clock = try reply.integer()
        var leader = try ReplyReader(.array(try reply.list()), of: "session_beat")
        let holder = try leader.text()
        let term = Term(try leader.integer())
        let remaining = Duration.milliseconds(try leader.integer())
        var replicas: [ReplicaSight] = []
        for item in try reply.list() { replicas.append(try Self.replica(item)) }
        let namesake = try reply.text()
        return ClusterSight(
            leaseClock: clock,
            leader: LeaderSight(holder: holder.isEmpty ? nil : holder, term: term, remaining: remaining),
            replicas: replicas.sorted { $0.id < $1.id },
            namesake: namesake.isEmpty ? nil : namesake
        )
    }

    private static func replica(_ value: RedisValue) throws(StateError) -> ReplicaSight {
        var part = try ReplyReader(value, of: "session_beat")
        let id = try part.text()
        let remaining = Duration.milliseconds(try part.integer())
        let fields = try part.fields()
        let status = ReplicaReport(fields: fields)
        return ReplicaSight(id: id, session: fields["session"] ?? "", remaining: remaining, status: status)
    }
}
