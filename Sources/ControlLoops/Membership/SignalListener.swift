public import ClusterState
public import Logging
public import ServiceLifecycle
internal import Synchronization

/// Hears the cluster's signals and hands each to everybody here who asked for them.
///
/// A signal is only a hint, so a listener that lost its connection begins again at the end: whoever acts on signals
/// also acts without them, later.
public final class SignalListener: ServiceLifecycle.Service {
    private let feed: SignalFeed
    private let time: LoopTime
    private let logger: Logger
    private let handlers = Mutex<[@Sendable (ClusterSignal) -> Void]>([])

    private static let wait = Duration.seconds(2)
    private static let pauseAfterFailure = Duration.milliseconds(250)

    public init(feed: SignalFeed, time: LoopTime = .system, logger: Logger) {
        self.feed = feed
        self.time = time
        self.logger = logger
    }

    /// The handler is called for each signal, in order, and must not wait.
    public func onSignal(_ handler: @escaping @Sendable (ClusterSignal) -> Void) {
        self.handlers.withLock { $0.append(handler) }
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do throws(StateError) {
                    try await self.listen()
                } catch {
                    self.logger.debug("signals cannot be heard", metadata: ["mm.error": "\(error)"])
                }
                try? await self.time.sleep(Self.pauseAfterFailure)
            }
        }
    }

    private func listen() async throws(StateError) {
        var place = try await self.feed.end()
        while !Task.isCancelled {
            let reading = try await self.feed.signals(after: place, within: Self.wait)
            place = reading.place
            guard !reading.signals.isEmpty else { continue }
            let handlers = self.handlers.withLock { $0 }
            for signal in reading.signals {
                for handler in handlers { handler(signal) }
            }
        }
    }
}
