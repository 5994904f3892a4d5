public import ClusterState
public import Registry

/// Who lives, as this replica last heard it, and where it stands among them.
///
/// Replicas order themselves by id, so that all of them divide a duty in the same way without talking.
public struct MembershipView: Hashable, Sendable {
    /// Live replicas, this one included once its session is open; sorted by id.
    public let replicas: [ReplicaSight]
    public let leader: LeaderSight
    /// When it was asked for, on this replica's clock: `remaining` counts from then.
    public let seenAt: Instant
    /// This replica.
    public let own: String

    public init(replicas: [ReplicaSight], leader: LeaderSight, seenAt: Instant, own: String) {
        self.replicas = replicas
        self.leader = leader
        self.seenAt = seenAt
        self.own = own
    }

    /// Before anything was heard: alone.
    static func empty(own: String, now: Instant) -> MembershipView {
        let leader = LeaderSight(holder: nil, term: .none, remaining: .zero)
        return MembershipView(replicas: [], leader: leader, seenAt: now, own: own)
    }

    /// Ids of the replicas that take duties: those that live and are not about to leave. Without any news this replica
    /// is alone, and has all of them.
    public var onDuty: [String] {
        let ids = self.replicas.filter { !$0.status.isLeaving }.map(\.id)
        return ids.isEmpty ? [self.own] : ids
    }

    /// Whether another replica may have a request in flight at a service that drains since the epoch.
    ///
    /// A report of an older epoch proves nothing: that replica may still begin one. One whose session has lapsed does not
    /// count, as in a switch: it catches up before it serves again.
    public func othersMayHold(_ service: ServiceID, drainingSince epoch: Epoch, now: Instant) -> Bool {
        self.replicas.contains { sight in
            guard sight.id != self.own, sight.remaining > now - self.seenAt else { return false }
            return sight.status.epoch < epoch || sight.status.draining[service, default: 0] > 0
        }
    }

    /// This replica's place among `onDuty`; nil when it is leaving or its session is gone.
    public var place: Int? { self.onDuty.firstIndex(of: self.own) }
}
