public import Registry

/// Repeats a step for as long as this replica leads: at once when it was elected, then after each interval, or when
/// somebody wakes it. While another replica leads it rests.
///
/// One step at a time. A step that finds that the term is over (its write throws `deposed`) just ends; what is left is
/// its successor's, so a step must be such that it can be done again from the start.
public struct LeaderLoop: Sendable {
    private let leadership: any Leadership
    private let interval: Duration
    private let time: LoopTime
    private let bell = Bell()

    public init(_ leadership: any Leadership, every interval: Duration, time: LoopTime = .system) {
        self.leadership = leadership
        self.interval = interval
        self.time = time
        leadership.onElected { [bell] in bell.ring() }
    }

    /// Lets the next step come now.
    public func wake() {
        self.bell.ring()
    }

    /// Until the task is cancelled.
    public func run(_ step: (Term) async -> Void) async {
        while !Task.isCancelled {
            if let term = self.leadership.term { await step(term) }
            await self.bell.wait(atMost: self.interval, self.time)
        }
    }
}
