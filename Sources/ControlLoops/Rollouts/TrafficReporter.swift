public import ClusterState
internal import Decisions
public import Logging
internal import Registry
public import ServiceLifecycle

/// Tells the cluster once a second what this replica's callers got of each version, and which requests it still holds.
///
/// What canaries are judged by and retirements wait for. The epoch is read before the figures: a replica that reports a
/// version idle at an epoch has nothing left to begin by an older one.
public final class TrafficReporter: ServiceLifecycle.Service {
    private let port: any TrafficPort
    private let membership: Membership
    private let holder: SnapshotHolder
    private let state: ClusterState
    private let time: LoopTime
    private let logger: Logger

    private static let tick = Duration.seconds(1)
    /// While somebody waits for the figures: a rollout is under way or a version drains.
    private static let tickWatched = Duration.milliseconds(250)

    public init(
        port: any TrafficPort,
        membership: Membership,
        holder: SnapshotHolder,
        state: ClusterState,
        time: LoopTime = .system,
        logger: Logger
    ) {
        self.port = port
        self.membership = membership
        self.holder = holder
        self.state = state
        self.time = time
        self.logger = logger
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            var ledger = TrafficLedger()
            while !Task.isCancelled {
                await self.turn(&ledger)
                let isWatched = self.holder.current.models.values.contains { $0.isWatched }
                try? await self.time.sleep(isWatched ? Self.tickWatched : Self.tick)
            }
        }
    }

    private func turn(_ ledger: inout TrafficLedger) async {
        guard let session = self.membership.session else { return }
        let epoch = self.port.settledEpoch
        let report = ledger.draft(await self.port.versionTraffic(), epoch: epoch)
        do throws(StateError) {
            let reply = try await self.state.reportTraffic(
                session.name,
                number: report.number,
                epoch: report.epoch,
                report.rows
            )
            switch reply {
            case .counted, .repeated: ledger.counted()
            case .lapsed:
                ledger.lapsed()
                self.membership.heardLapsed(session.name)
            }
        } catch {
            self.logger.debug("traffic could not be reported", metadata: ["mm.error": "\(error)"])
        }
    }
}

extension Model {
    /// Whether somebody waits for figures of its versions.
    var isWatched: Bool {
        self.pointers.rollout?.isUnderWay == true || self.pointers.notes.values.contains { $0.state == .draining }
    }
}
