internal import ClusterState
internal import Decisions
internal import Gateway
public import Logging
internal import NIOCore
internal import Registry
public import ServiceLifecycle
internal import Synchronization

/// Brings versions to services while this replica leads: the shell of `DeploymentPlan` and `LoadMachine`.
///
/// Each outcome is written down as soon as it is there, under the leader's term. A leader that dies is followed by one
/// that asks the services without an outcome, those that were just loading once more. A service that takes long to load
/// holds up nothing but its own deployment.
public final class DeploymentLoop: ServiceLifecycle.Service {
    private let parts: LeaderParts
    private let port: any TrafficPort
    private let logger: Logger
    private let underWay = Mutex<Set<DeploymentPlan.Step>>([])

    private static let tick = Duration.milliseconds(250)
    /// Some servers answer only when the version is loaded.
    private static let loadTimeout = LoadMachine.timeout
    private static let lookTimeout = Duration.seconds(10)

    public init(parts: LeaderParts, port: any TrafficPort, logger: Logger) {
        self.parts = parts
        self.port = port
        self.logger = logger
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                await self.parts.loop(every: Self.tick).run(while: self.isBusy) { _ in self.turn(&group) }
                group.cancelAll()
            }
        }
    }

    private func isBusy() -> Bool {
        !DeploymentPlan.steps(of: self.parts.holder.current.models).isEmpty
    }

    /// At most `DeploymentPlan.stepsMax` are under way.
    private func turn(_ group: inout DiscardingTaskGroup) {
        let snapshot = self.parts.holder.current
        let steps = self.underWay.withLock { underWay in
            let steps = DeploymentPlan.steps(of: snapshot.models, beside: underWay)
            underWay.formUnion(steps)
            return steps
        }
        for step in steps {
            group.addTask {
                if let order = snapshot.models[step.type]?.pointers.deployments[step.version] {
                    await self.carryOut(step, order, snapshot[step.service])
                }
                self.underWay.withLock { _ = $0.remove(step) }
            }
        }
    }

    private func carryOut(_ step: DeploymentPlan.Step, _ order: Deployment, _ service: Registry.Service?) async {
        let outcome: Deployment.Outcome
        if let definition = service?.definition, definition.modelType == step.type {
            var machine = LoadMachine(step.version, at: definition, by: order, now: self.parts.time.now())
            guard let ended = await self.drive(&machine) else { return }
            outcome = ended
        } else {
            outcome = .skipped("it is not registered for this model any more")
        }
        guard let term = self.parts.leadership.term else { return }
        do throws(StateError) {
            await self.parts.settle(
                try await self.parts.state.noteDeployment(
                    of: step.version,
                    type: step.type,
                    order: order,
                    at: step.service,
                    outcome,
                    term: term,
                    floor: self.parts.holder.current.epoch
                )
            )
        } catch {
            self.logger.debug("a deployment has to wait", metadata: ["mm.error": "\(error)"])
        }
    }

    /// Nil when this replica is to end, or leads no longer.
    private func drive(_ machine: inout LoadMachine) async -> Deployment.Outcome? {
        var action = machine.began()
        while !Task.isCancelled, self.parts.leadership.term != nil {
            switch action {
            case .end(let outcome): return outcome
            case .wait(let until):
                try? await self.parts.time.sleep(until - self.parts.time.now())
                action = machine.woke(now: self.parts.time.now())
            case .send(let request): action = await self.send(request, &machine)
            }
        }
        return nil
    }

    private func send(_ request: LoadRequest, _ machine: inout LoadMachine) async -> LoadMachine.Action {
        let isLoading = machine.state == .loading
        do throws(UpstreamFailure) {
            let timeout = isLoading ? Self.loadTimeout : Self.lookTimeout
            let answer = try await self.port.call(UpstreamCall(request, timeout: timeout))
            let body = try? JSONValue.parse(Array(answer.body.readableBytesView))
            return machine.answered(answer.status, body, now: self.parts.time.now())
        } catch {
            return machine.failed(error.kind.rawValue, now: self.parts.time.now())
        }
    }
}

extension UpstreamCall {
    init(_ request: LoadRequest, timeout: Duration) {
        self.init(url: request.url, path: request.path, timeout: timeout)
        self.method = request.method
        guard let body = request.body else { return }
        self.headers = [("content-type", "application/json")]
        self.body = ByteBuffer(string: body.serialized())
    }
}
