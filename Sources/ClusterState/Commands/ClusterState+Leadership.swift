internal import RedisClient
public import Registry

/// What became of a campaign.
public enum CampaignReply: Hashable, Sendable {
    /// The caller leads from now on, under a new term.
    case taken(Term)
    /// The caller still leads.
    case renewed(Term)
    case held(LeaderSight)
}

extension ClusterState {
    /// Takes the leadership if it is free, renews it if it is the candidate's, otherwise learns who has it.
    ///
    /// The candidate is replica id and boot: a replica that was restarted is another one. Without another call the
    /// leadership lasts for `ttl`.
    public func campaign(as candidate: String, for ttl: Duration) async throws(StateError) -> CampaignReply {
        let arguments = [RedisWord(candidate), RedisWord(Self.milliseconds(ttl))]
        var reply = try await self.call("lease_campaign", arguments)
        let status = try reply.text()
        let term = Term(try reply.integer())
        switch status {
        case "taken": return .taken(term)
        case "renewed": return .renewed(term)
        case "held":
            let holder = try reply.text()
            return .held(
                LeaderSight(holder: holder, term: term, remaining: .milliseconds(try reply.integer()))
            )
        default: throw StateError(.unreadable, "lease_campaign answered \(status)")
        }
    }

    /// Gives the leadership back; nothing happens when it is not the candidate's.
    public func resign(as candidate: String) async throws(StateError) {
        _ = try await self.call("lease_resign", [RedisWord(candidate)])
    }
}
