internal import ClusterState
internal import Decisions
public import Logging
internal import Registry
public import ServiceLifecycle

/// Makes the offline tests of versions while this replica leads, one after another, the one that waited longest first.
///
/// A test asks models and changes nothing, so a leader that dies in the middle is followed by one that makes it again;
/// its verdict is written under the term, so only one counts. One that is deposed stops asking: its successor asks the
/// same. What was begun too often (it may be what leaders die of) is given up.
public final class EvaluationLoop: ServiceLifecycle.Service {
    private let parts: LeaderParts
    private let desk: JobDesk
    private let logger: Logger
    private let loop: LeaderLoop

    /// Without a signal, too, somebody looks so often.
    private static let tick = Duration.seconds(5)
    private static let attemptsMax = 3

    /// `timeout` is `SERVICE_TIMEOUT`, for questions to services that name none.
    public init(
        parts: LeaderParts,
        signals: SignalListener,
        port: any TrainerPort,
        timeout: Duration,
        logger: Logger
    ) {
        self.parts = parts
        self.logger = logger
        self.loop = LeaderLoop(parts.leadership, every: Self.tick, time: parts.time)
        self.desk = JobDesk(
            state: parts.state,
            port: port,
            snapshot: { parts.holder.current },
            timeout: timeout,
            policy: JobPolicy(),
            time: parts.time,
            logger: logger,
            isTrusted: { _ in true }
        )
        signals.onSignal { [loop] signal in
            if case .other("evaluation_queued", _, _) = signal { loop.wake() }
        }
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            await self.loop.run { term in
                while !Task.isCancelled, await self.makeNext(term) {}
            }
        }
    }

    /// Whether there was one.
    private func makeNext(_ term: Term) async -> Bool {
        do throws(StateError) {
            guard let due = try await self.parts.state.nextEvaluation(term: term) else { return false }
            let run = EvaluationRun(due.order, desk: self.desk)
            let evaluation =
                due.attempts > Self.attemptsMax
                ? run.failed("it was begun \(due.attempts - 1) times and never ended")
                : await self.parts.whileLeading(under: term) { await run.run() }
            guard let evaluation, !Task.isCancelled else { return false }
            try await self.end(due.order, evaluation, term)
            return true
        } catch {
            self.logger.debug("a test of a version has to wait", metadata: ["mm.error": "\(error)"])
            return false
        }
    }

    private func end(_ order: EvaluationOrder, _ evaluation: Evaluation, _ term: Term) async throws(StateError) {
        let form = EvaluationRun.form(order)
        let latest = form?.promotes == true ? self.parts.holder.current.models[order.type]?.latest : nil
        let reply = try await self.parts.state.endEvaluation(
            order,
            evaluation,
            promoting: latest,
            term: term,
            floor: self.parts.holder.current.epoch
        )
        await self.parts.settle(reply)
        self.logger.info(
            "a version was tested",
            metadata: [
                "mm.model": "\(order.type)", "mm.version": "\(order.version)", "mm.passed": "\(evaluation.passed)",
            ]
        )
    }
}
