import ClusterState
import ControlLoops
import Gateway
import Logging
import ManagerAPI
import Registry
import ServiceLifecycle

/// Training jobs: what runs them here, and what the routes know of them.
struct JobParts {
    let board: StoredJobs
    let services: [any ServiceLifecycle.Service]

    init(
        _ configuration: ReplicaConfiguration,
        store: StoreParts,
        members: MembershipParts,
        dataPlane: DataPlane,
        logger: Logger
    ) {
        let holder = store.holder
        let runner = JobRunner(
            state: store.state,
            membership: members.membership,
            signals: members.signals,
            port: dataPlane,
            snapshot: { holder.current },
            timeout: configuration.dataPlane.timeout,
            logger: logger
        )
        self.board = StoredJobs(state: store.state, wake: { runner.wake() })
        self.services = [runner]
    }
}

/// The jobs in Redis, for the routes.
struct StoredJobs: JobBoard {
    let state: ClusterState
    /// Tells the runner of this replica that there is something to run.
    let wake: @Sendable () -> Void

    func submit(_ order: JobOrder) async throws(Problem) -> SubmitReply {
        do throws(StateError) {
            let reply = try await self.state.submit(order)
            self.wake()
            return reply
        } catch {
            throw Problem(error)
        }
    }

    func job(_ id: JobID) async throws(Problem) -> Job? {
        do throws(StateError) {
            return try await self.state.job(id)
        } catch {
            throw Problem(error)
        }
    }

    func jobs(
        after: JobID?,
        limit: Int,
        status: JobStatus?,
        modelType: ModelType?
    ) async throws(Problem) -> JobPage? {
        do throws(StateError) {
            return try await self.state.jobs(after: after, limit: limit, status: status, modelType: modelType)
        } catch {
            throw Problem(error)
        }
    }

    func cancel(_ id: JobID) async throws(Problem) -> CancelReply {
        do throws(StateError) {
            return try await self.state.cancelJob(id)
        } catch {
            throw Problem(error)
        }
    }
}
