import ControlLoops
import NIOCore
import ServiceLifecycle

/// The event loop of the connections to Redis, as the place where control loops run and wait.
///
/// With the runtime's threads each short wait wakes two threads and each reply of Redis a third. Here a wait is a timer
/// of the event loop, and what follows it and each reply runs there at once: a step wakes one thread, and steps that are
/// due together wake it once, which `WakeGrid` sees to. Only for loops whose steps are short; what reads files or computes
/// for milliseconds stays with the runtime's threads, for it would hold up every reply of Redis.
final class ControlThread: TaskExecutor {
    private let loop: any EventLoop
    private let grid: WakeGrid

    init(_ loop: any EventLoop, grid: WakeGrid = .random()) {
        self.loop = loop
        self.grid = grid
    }

    /// The system's clocks, and waits by timers of the event loop.
    var time: LoopTime {
        var time = LoopTime.system
        time.sleep = { [loop, grid] in try await Self.sleep($0, on: loop, grid) }
        return time
    }

    /// The same services, with everything that they await at home here.
    func keep(_ services: [any Service]) -> [any Service] {
        services.map { KeptService(service: $0, thread: self) }
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        self.loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }

    private static func sleep(_ duration: Duration, on loop: any EventLoop, _ grid: WakeGrid) async throws {
        let timer = loop.scheduleTask(deadline: grid.end(of: duration, from: .now())) {}
        try await withTaskCancellationHandler {
            try await timer.futureResult.get()
        } onCancel: {
            timer.cancel()
        }
    }
}

/// A service whose tasks run on the control thread.
private struct KeptService: Service {
    let service: any Service
    let thread: ControlThread

    func run() async throws {
        try await withTaskExecutorPreference(self.thread) { try await self.service.run() }
    }
}
