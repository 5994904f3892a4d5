import ClusterState
import ControlLoops
import Logging
import Registry

extension Samples {
    /// A replica's session that begins when it is run, with a lease that no busy machine lets lapse.
    static func membership(
        _ replica: String = "r1",
        boot: String = "b",
        lease: Duration = .seconds(60),
        state: ClusterState,
        logger: Logger
    ) -> Membership {
        let report = ReplicaReport(
            epoch: Epoch(1),
            inFlight: 0,
            startedAt: Timestamp(milliseconds: 1),
            version: "1",
            address: "\(replica):1"
        )
        return Membership(
            replica: replica,
            boot: boot,
            lease: lease,
            state: state,
            status: { report },
            logger: logger
        )
    }
}
