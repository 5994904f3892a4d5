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

    /// With nothing to carry on it looks this seldom: for what nobody wakes it for.
    private static let idleInterval = Duration.seconds(5)

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

    /// Until the task is cancelled; at its interval as long as it is busy.
    public func run(while isBusy: () -> Bool = { true }, _ step: (Term) async -> Void) async {
        while !Task.isCancelled {
            if let term = self.leadership.term { await step(term) }
            let pause = self.leadership.term != nil && isBusy() ? self.interval : Self.idleInterval
            await self.bell.wait(atMost: pause, self.time)
        }
    }
}
