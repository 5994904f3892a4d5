public import ClusterState
internal import Registry

/// What a loop of the leader has in its hands: the snapshot it looks at, the store it writes to, and its right to.
public struct LeaderParts: Sendable {
    let holder: SnapshotHolder
    let state: ClusterState
    let leadership: any Leadership
    /// Told of each change, so that this replica need not wait for the log.
    let note: @Sendable (LogEntry) -> Void
    let time: LoopTime

    public init(
        holder: SnapshotHolder,
        state: ClusterState,
        leadership: any Leadership,
        note: @escaping @Sendable (LogEntry) -> Void,
        time: LoopTime = .system
    ) {
        self.holder = holder
        self.state = state
        self.leadership = leadership
        self.note = note
        self.time = time
    }

    /// How late work of a leader ends that leads no longer.
    private static let watchInterval = Duration.milliseconds(250)

    /// Does the work for as long as this replica leads under the term; nil: it led no longer, and the work was cancelled.
    /// Returns when the work has ended.
    func whileLeading<Result: Sendable>(
        under term: Term,
        _ work: @escaping @Sendable () async -> Result
    ) async -> Result? {
        await withTaskGroup(of: Result?.self) { group in
            group.addTask { await work() }
            group.addTask {
                await self.waitForEnd(of: term)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
    }

    private func waitForEnd(of term: Term) async {
        while self.leadership.term == term, (try? await self.time.sleep(Self.watchInterval)) != nil {}
    }

    /// A loop that is woken by each change of the registry, too.
    func loop(every interval: Duration) -> LeaderLoop {
        let loop = LeaderLoop(self.leadership, every: interval, time: self.time)
        self.holder.subscribe { _ in loop.wake() }
        return loop
    }

    /// Takes a change over, and waits a moment until the snapshot shows it: the next turn must not act on the old one.
    func settle(_ reply: ModelReply) async {
        guard case .changed(let change) = reply else { return }
        self.note(change.entry)
        _ = await self.holder.waitForEpoch(change.epoch, within: .seconds(1))
    }
}
