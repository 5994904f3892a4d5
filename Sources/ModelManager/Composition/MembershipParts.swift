import ClusterState
import ControlLoops
import Decisions
import Gateway
import Logging
import ManagerAPI
import Registry
import ServiceLifecycle

/// This replica's place in the cluster: its session, whom it sees, whether it leads, and what the others call out.
///
/// What a replica holds (permits, probe duties, votes) it holds under the name of its `session` and loses with it; what
/// only the leader does asks `term` before each step (a `LeaderLoop` on `campaign` does) and writes through
/// `ClusterState.leading(under:)`, because Redis refuses an older one;
/// what must not wait for the next reading registers with `signals.onSignal`, and works without it, later.
struct MembershipParts {
    let membership: Membership
    let campaign: Campaign
    let signals: SignalListener
    /// Holds requests back when this replica was paused for longer than its lease.
    let catchUp: CatchUpLoop
    /// Of this start of the replica, and no other: a replica that comes back under its old name is somebody else.
    let candidate: String

    init(_ configuration: ReplicaConfiguration, store: StoreParts, self presence: Presence, logger: Logger) {
        var random = SystemRandomNumberGenerator()
        let boot = String(UInt64.random(in: .min ... .max, using: &random), radix: 36)
        self.candidate = "\(configuration.replicaID).\(boot)"
        self.signals = SignalListener(feed: store.signalFeed, time: store.thread.time, logger: logger)
        self.membership = Membership(
            replica: configuration.replicaID,
            boot: boot,
            lease: configuration.replicaLease,
            state: store.state,
            status: { presence.report },
            time: store.thread.time,
            logger: logger
        )
        self.campaign = Campaign(
            candidate: self.candidate,
            lease: configuration.leaderLease,
            state: store.state,
            membership: self.membership,
            signals: self.signals,
            time: store.thread.time,
            logger: logger
        )
        self.catchUp = CatchUpLoop(
            membership: self.membership,
            state: store.state,
            holder: store.holder,
            gate: presence.dataPlane.catchUpGate,
            time: store.thread.time,
            logger: logger
        )
        self.keepViewFresh(presence.dataPlane)
    }

    /// To be placed right after the store, so that they end after everything that holds something through the session;
    /// the session ends last.
    var services: [any ServiceLifecycle.Service] { [self.membership, self.signals, self.campaign, self.catchUp] }

    /// Nil while none is open.
    var session: Membership.Session? { self.membership.session }

    var view: MembershipView { self.membership.view }

    /// The view now and each newer one.
    func views() -> AsyncStream<MembershipView> { self.membership.views() }

    /// What this replica leads under; nil when another one leads, or nobody.
    var term: Term? { self.campaign.term }

    /// The others count this replica out and choose another leader, if it was the one. Returns when Redis knows.
    func beginLeaving() async {
        self.membership.beginLeaving()
        await self.campaign.leave()
    }

    /// A beat tells which epoch this replica serves and hears who leads; neither waits for its turn when it changes.
    private func keepViewFresh(_ dataPlane: DataPlane) {
        let membership = self.membership
        dataPlane.onSettled { _ in membership.announce() }
        self.signals.onSignal { signal in
            switch signal {
            case .elected, .resigned, .left: membership.announce()
            default: break
            }
        }
    }
}

extension MembershipParts {
    /// What this replica tells of itself.
    struct Presence: Sendable {
        let identity: ReplicaIdentity
        let dataPlane: DataPlane
        let condition: ReplicaCondition

        var report: ReplicaReport {
            var report = ReplicaReport(
                epoch: self.dataPlane.settledEpoch,
                inFlight: self.dataPlane.inFlight,
                startedAt: self.identity.startedAt,
                version: self.identity.version,
                address: self.condition.address,
                isLeaving: self.condition.isDraining
            )
            let counts = self.dataPlane.retryCounts
            (report.requests, report.retries) = (counts.requests, counts.retries)
            report.draining = self.dataPlane.drainingInFlight
            return report
        }
    }
}
