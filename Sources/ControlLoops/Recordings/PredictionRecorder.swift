public import ClusterState
internal import Gateway
public import Logging
internal import Registry
public import ServiceLifecycle

/// Carries what this replica recorded of live predictions to the store, once a second, while a model type wants that.
///
/// It is a sample: what the store does not take is dropped, and nobody waits for it. The store keeps nothing of a model
/// type whose recording has ended meanwhile.
public final class PredictionRecorder: ServiceLifecycle.Service {
    private let port: any RecordingPort
    private let holder: SnapshotHolder
    private let state: ClusterState
    private let time: LoopTime
    private let logger: Logger

    private static let tick = Duration.seconds(1)

    public init(
        port: any RecordingPort,
        holder: SnapshotHolder,
        state: ClusterState,
        time: LoopTime = .system,
        logger: Logger
    ) {
        self.port = port
        self.holder = holder
        self.state = state
        self.time = time
        self.logger = logger
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            var isRecording = false
            while !Task.isCancelled {
                // Once more after the last one has ended, so that nothing is left lying about.
                let wasRecording = isRecording
                isRecording = self.holder.current.models.values.contains { $0.pointers.recording != nil }
                if isRecording || wasRecording { await self.turn() }
                try? await self.time.sleep(Self.tick)
            }
        }
    }

    private func turn() async {
        let recorded = Dictionary(grouping: await self.port.takeRecorded(), by: \.type)
        for (type, exchanges) in recorded where self.holder.current.models[type]?.pointers.recording != nil {
            do throws(StateError) {
                try await self.state.keepRecorded(exchanges.compactMap(RecordedPrediction.init), of: type)
            } catch {
                self.logger.debug("recorded predictions are lost", metadata: ["mm.error": "\(error)"])
            }
        }
    }
}

extension RecordedPrediction {
    /// Nil unless both are JSON.
    init?(_ exchange: RecordedExchange) {
        guard let request = try? JSONValue.parse(exchange.request), let answer = try? JSONValue.parse(exchange.answer)
        else { return nil }
        self.init(version: exchange.version, request: request, answer: answer)
    }
}
