import ClusterState
import ControlLoops
import Decisions
import Gateway
import Logging
import ServiceLifecycle

/// Breakers that trip for the whole cluster.
struct BreakerParts {
    let reporter: BreakerReporter

    init(
        _ configuration: ReplicaConfiguration,
        store: StoreParts,
        members: MembershipParts,
        dataPlane: DataPlane,
        logger: Logger
    ) {
        let policy = configuration.dataPlane.breaker
        self.reporter = BreakerReporter(
            port: dataPlane,
            state: store.state,
            membership: members.membership,
            signals: members.signals,
            rules: BreakerRules(
                failuresInRowMax: policy.failuresInRowMax,
                failureRatioMax: policy.failureRatioMax,
                cooldown: policy.cooldown,
                probesMax: policy.probesMax
            ),
            probeMax: configuration.dataPlane.timeout,
            time: store.thread.time,
            logger: logger
        )
    }

    var services: [any ServiceLifecycle.Service] { [self.reporter] }
}
