import ControlLoops
import Gateway
import Logging
import ServiceLifecycle

/// The loops that care for the life of model versions.
///
/// Every replica tells what its callers got of each version, and hands over what it recorded; the leader carries canaries
/// on, deploys versions, retires them and makes their offline tests.
struct ModelParts {
    let store: StoreParts
    let members: MembershipParts
    let dataPlane: DataPlane
    /// `SERVICE_TIMEOUT`.
    let timeout: Duration

    private var leader: LeaderParts {
        let store = self.store
        return LeaderParts(
            holder: store.holder,
            state: store.state,
            leadership: self.members.campaign,
            note: { store.follower.note($0) },
            time: store.thread.time
        )
    }

    /// Their steps are short.
    func loops(_ logger: Logger) -> [any ServiceLifecycle.Service] {
        let (store, parts) = (self.store, self.leader)
        return [
            TrafficReporter(
                port: self.dataPlane,
                membership: self.members.membership,
                holder: store.holder,
                state: store.state,
                time: store.thread.time,
                logger: logger
            ),
            RolloutLoop(parts: parts, logger: logger),
            DeploymentLoop(parts: parts, port: self.dataPlane, logger: logger),
            RetirementLoop(parts: parts, port: self.dataPlane, logger: logger),
        ]
    }

    /// They read whole datasets and what was recorded.
    func readers(_ logger: Logger) -> [any ServiceLifecycle.Service] {
        [
            EvaluationLoop(
                parts: self.leader,
                signals: self.members.signals,
                port: self.dataPlane,
                timeout: self.timeout,
                logger: logger
            ),
            PredictionRecorder(
                port: self.dataPlane,
                holder: self.store.holder,
                state: self.store.state,
                logger: logger
            ),
        ]
    }
}
