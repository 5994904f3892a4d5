import ControlLoops
import Gateway
import Logging
import ManagerAPI
import Registry
import ServiceLifecycle

/// The leader's discovery: names, catalogues and seeds. Every replica has it; only the one that leads sweeps.
struct DiscoveryParts {
    let loop: DiscoveryLoop

    init(
        _ configuration: ReplicaConfiguration,
        store: StoreParts,
        members: MembershipParts,
        dataPlane: DataPlane,
        logger: Logger
    ) {
        let (holder, follower, campaign) = (store.holder, store.follower, members.campaign)
        let loop = DiscoveryLoop(
            configuration.discovery,
            store: SweepStore(
                state: store.state,
                floor: { follower.floor },
                note: { follower.note($0) },
                snapshot: { holder.current }
            ),
            port: dataPlane,
            // Before the first snapshot nothing is known of what is registered: whoever looked then would see it twice.
            term: { holder.isLoaded ? campaign.term : nil },
            logger: logger
        )
        self.loop = loop
        holder.subscribe { _ in loop.look() }
        campaign.onElected { loop.look() }
        members.signals.onSignal { loop.hear($0) }
    }
}

/// The sweeps of this replica, for `/metrics`.
struct SweepReports: DiscoveryReports {
    let loop: DiscoveryLoop

    var discovery: DiscoveryReport {
        let figures = self.loop.figures
        var report = DiscoveryReport(sweeps: figures.sweeps, lastAt: figures.lastAt)
        for source in SourceReport.Source.allCases {
            let line = DiscoveryReport.Line(
                source: source.rawValue,
                found: figures.found[source] ?? 0,
                errors: figures.errors[source] ?? 0
            )
            report.lines.append(line)
        }
        return report
    }
}
