public import ClusterState
public import Registry

/// Waits until no live replica serves by an older epoch: what lets a switch be answered.
///
/// A replica tells its epoch with a beat of its session once all of its event loops have passed to it. One that lapses
/// meanwhile is not waited for any longer: it catches up before it serves again (`CatchUpLoop`).
public struct SwitchBarrier: Sendable {
    private let state: ClusterState
    private let time: LoopTime

    private static let pauseMin = Duration.milliseconds(4)
    private static let pauseMax = Duration.milliseconds(64)

    public init(state: ClusterState, time: LoopTime = .system) {
        self.state = state
        self.time = time
    }

    /// - Returns: who was still behind when the time was up; nobody when the barrier is passed.
    public func wait(for epoch: Epoch, within limit: Duration) async throws(StateError) -> [ReplicaBehind] {
        let deadline = self.time.now() + limit
        var pause = Self.pauseMin
        while true {
            let behind = try await self.state.replicas(behind: epoch)
            guard !behind.isEmpty, self.time.now() < deadline, !Task.isCancelled else { return behind }
            try? await self.time.sleep(pause)
            pause = min(pause * 2, Self.pauseMax)
        }
    }
}
