import ClusterState
import ControlLoops
import ManagerAPI
import Registry

/// The cluster for the routes: the others as they last described themselves, this replica as it is now.
struct SeenCluster: ClusterView {
    let presence: MembershipParts.Presence
    let members: MembershipParts
    let served: ServedReporter
    let holder: SnapshotHolder

    func cluster() async -> ClusterCondition {
        let report = self.presence.report
        let own = ReplicaSight(id: self.presence.identity.id, session: "", remaining: .zero, status: report)
        return ClusterCondition(
            self.members.view,
            own: own,
            candidate: self.members.candidate,
            term: self.members.term,
            now: LoopTime.system.now()
        )
    }

    /// Somebody waits: the view is not left to grow old.
    func othersMayHold(_ service: ServiceID, drainingSince epoch: Epoch) async -> Bool {
        let (view, now) = (self.members.view, LoopTime.system.now())
        if now - view.seenAt > Self.viewAgeMax { self.members.membership.announce() }
        return view.othersMayHold(service, drainingSince: epoch, now: now)
    }

    /// Of the services that are registered.
    func servedTraffic() async -> ServedTraffic? {
        try? await self.served.sum(of: self.holder.current.services.map(\.id))
    }

    private static let viewAgeMax = Duration.milliseconds(250)
}

extension ClusterCondition {
    /// What is known of the cluster at the instant. A lease that ran out since the view was taken counts for nothing, so
    /// that a replica cut off from Redis soon shows itself alone and without a leader instead of old news.
    ///
    /// The hard case is a replica that came back under its old name while its former self still holds the leadership: it
    /// has the leader's id and does not lead. Hence leaders are compared with their boot (`candidate`).
    init(_ view: MembershipView, own: ReplicaSight, candidate: String, term: Term?, now: Instant) {
        let age = now - view.seenAt
        let seen = view.replicas.filter { $0.remaining > age }
        let holder = view.leader.remaining > age ? view.leader.holder : nil
        let leads: (ReplicaSight) -> Bool = { sight in
            sight.id == own.id ? term != nil : term == nil && holder.map { sight.session.hasPrefix($0 + "-") } == true
        }
        let others = seen.filter { $0.id != own.id }
        let ownLease = seen.first { $0.id == own.id }.map { $0.remaining - age }
        var replicas = others.map { Replica($0, leads: leads($0), lease: $0.remaining - age) }
        replicas.append(Replica(own, leads: leads(own), lease: ownLease))
        self.init(
            replicas: replicas.sorted { $0.id < $1.id },
            leader: Self.leader(term, own.id, candidate, holder, view)
        )
    }

    private static func leader(
        _ term: Term?,
        _ own: String,
        _ candidate: String,
        _ holder: String?,
        _ view: MembershipView
    ) -> Leader? {
        if let term { return Leader(id: own, term: term.rawValue) }
        guard let holder, holder != candidate, let dot = holder.lastIndex(of: ".") else { return nil }
        let id = String(holder[..<dot])
        let isFormerSelf = id == own || view.replicas.contains { $0.id == id && !$0.session.hasPrefix(holder + "-") }
        return isFormerSelf ? nil : Leader(id: id, term: view.leader.term.rawValue)
    }
}

extension ClusterCondition.Replica {
    fileprivate init(_ sight: ReplicaSight, leads: Bool, lease: Duration?) {
        self.init(
            id: sight.id,
            role: leads ? .leader : .follower,
            epoch: sight.status.epoch,
            leaseExpiresIn: lease,
            inFlight: sight.status.inFlight,
            startedAt: sight.status.startedAt,
            version: sight.status.version
        )
    }
}
