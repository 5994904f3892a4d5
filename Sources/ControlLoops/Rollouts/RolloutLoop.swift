internal import ClusterState
internal import Decisions
public import Logging
internal import Registry
public import ServiceLifecycle

/// Carries canaries on while this replica leads: the shell of `RolloutMachine`.
///
/// Everything it knows stands in the store, and each write says which step it was made for and under which term: a
/// leader that dies is followed by one that goes on from there, and a late one changes nothing.
public final class RolloutLoop: ServiceLifecycle.Service {
    private let parts: LeaderParts
    private let logger: Logger

    private static let tick = Duration.milliseconds(250)

    public init(parts: LeaderParts, logger: Logger) {
        self.parts = parts
        self.logger = logger
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            await self.parts.loop(every: Self.tick).run(while: self.isBusy) { term in
                await self.turn(term)
            }
        }
    }

    private func isBusy() -> Bool {
        self.parts.holder.current.models.values.contains { $0.pointers.rollout?.isUnderWay ?? false }
    }

    private func turn(_ term: Term) async {
        let snapshot = self.parts.holder.current
        for (type, model) in snapshot.models {
            guard let rollout = model.pointers.rollout, rollout.isUnderWay else { continue }
            do throws(StateError) {
                switch rollout.state {
                case .running: try await self.measure(type, rollout, term)
                case .settling: try await self.settle(type, rollout, snapshot.epoch, term)
                case .succeeded, .rolledBack, .superseded: break
                }
            } catch {
                self.logger.debug("a rollout has to wait", metadata: ["mm.error": "\(error)"])
            }
        }
    }

    private func measure(_ type: ModelType, _ rollout: Rollout, _ term: Term) async throws(StateError) {
        let sight = try await self.parts.state.traffic(of: type, [rollout.version, rollout.replaces])
        let action = RolloutMachine.decide(
            rollout,
            elapsed: .milliseconds(max(0, sight.leaseClock - rollout.stepBegan)),
            new: Self.figures(sight, rollout.version),
            old: Self.figures(sight, rollout.replaces)
        )
        switch action {
        case .wait: break
        case .advance(let text): try await self.carryOn(type, rollout, .advance, text, term)
        case .settle(let text): try await self.carryOn(type, rollout, .settle, text, term)
        case .undo(let text):
            self.logger.warning("a canary is rolled back", metadata: ["mm.model": "\(type)", "mm.why": "\(text)"])
            try await self.carryOn(type, rollout, .undo, text, term)
        }
    }

    /// The new version is the latest; it has succeeded once every live replica knows.
    private func settle(
        _ type: ModelType,
        _ rollout: Rollout,
        _ epoch: Epoch,
        _ term: Term
    ) async throws(StateError) {
        guard try await self.parts.state.replicas(behind: epoch).isEmpty else { return }
        try await self.carryOn(type, rollout, .done, rollout.reason ?? "", term)
    }

    private func carryOn(
        _ type: ModelType,
        _ rollout: Rollout,
        _ outcome: ClusterState.RolloutOutcome,
        _ detail: String,
        _ term: Term
    ) async throws(StateError) {
        let reply = try await self.parts.state.carryOnRollout(
            of: type,
            step: rollout.step,
            state: rollout.state,
            outcome,
            detail: detail,
            term: term,
            floor: self.parts.holder.current.epoch
        )
        await self.parts.settle(reply)
    }

    private static func figures(_ sight: TrafficSight, _ version: ModelVersion) -> RolloutMachine.Figures {
        let counts = sight.counts[version]
        return RolloutMachine.Figures(
            requests: counts?.requests ?? 0,
            failures: counts?.failures ?? 0,
            latencyMicroseconds: counts?.latencyMicroseconds ?? 0
        )
    }
}
