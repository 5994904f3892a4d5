internal import RedisClient
internal import Registry

/// What became of a campaign, and who leads after it.
public struct CampaignReply: Hashable, Sendable {
    public enum Status: String, Hashable, Sendable {
        /// The caller leads from now on, under a new term.
        case taken
        /// The caller still leads.
        case renewed
        /// Another one leads.
        case held
        /// Nothing was changed: the campaign was too old, or did not say how old it was.
        case late
    }

    public let status: Status
    public let leader: LeaderSight
    /// What Redis' lease clock showed, in milliseconds.
    public let leaseClock: Int64
}

extension ClusterState {
    /// Takes the leadership if it is free, renews it if it is the candidate's, otherwise learns who has it.
    ///
    /// The candidate is replica id and boot: a replica that was restarted is another one. Without another call the
    /// leadership lasts for `ttl`, counted from when this one was sent.
    /// `sentAt` is in milliseconds on the lease clock; with nil, only the clock is learnt, and who leads.
    public func campaign(
        as candidate: String,
        for ttl: Duration,
        sentAt: Int64?
    ) async throws(StateError) -> CampaignReply {
        let sent = sentAt.map { String($0) } ?? "unknown"
        let arguments = [candidate, Self.milliseconds(ttl), sent].map { RedisWord($0) }
        var reply = try await self.call("lease_campaign", arguments)
        let text = try reply.text()
        guard let status = CampaignReply.Status(rawValue: text) else {
            throw StateError(.unreadable, "lease_campaign answered \(text)")
        }
        let term = Term(try reply.integer())
        let holder = try reply.text()
        let remaining = Duration.milliseconds(try reply.integer())
        let leader = LeaderSight(holder: holder.isEmpty ? nil : holder, term: term, remaining: remaining)
        return CampaignReply(status: status, leader: leader, leaseClock: try reply.integer())
    }

    /// Gives the leadership back; nothing happens when it is not the candidate's.
    public func resign(as candidate: String) async throws(StateError) {
        _ = try await self.call("lease_resign", [RedisWord(candidate)])
    }
}
