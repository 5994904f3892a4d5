public import Registry

/// When each instance is probed: once per interval, the first time at once, never two at a time for one instance.
///
/// Intuition: a doctor's round with two doors. Probes in flight are bounded; those of instances that kept the last one
/// waiting until its deadline have a door of their own, so that a hundred hanging services cannot keep the doctor from
/// the well ones. The bound of each door is a multiple of what prompt answers need: 64 places at 5 ms each are more than
/// ten thousand probes a second.
/// Many new instances are spread over a second, and each interval varies by a twentieth, so that instances registered
/// together, and the replicas of a cluster, do not probe in step for ever.
public struct ProbeSchedule: Sendable {
    public static let promptInFlightMax = 64
    public static let slowInFlightMax = 32
    /// First probes begin at this distance, or closer if that would take more than `spreadMax`.
    public static let spreadStep: Duration = .milliseconds(2)
    public static let spreadMax: Duration = .seconds(1)

    private struct Course {
        /// Of its visits in the order of waiting only this one counts; earlier ones are stale.
        var visit = 0
        var isSlow = false
        var startedAt: Instant?
    }

    private struct Visit: Sendable {
        var due: Instant
        var key: InstanceKey
        var visit: Int
    }

    private struct Door: Sendable {
        /// The next one last. Most visits are planned an interval ahead, so they go in near the front: moving the rest
        /// of some thousands is a few microseconds.
        var waiting: [Visit] = []
        var inFlight = 0
        let inFlightMax: Int

        mutating func insert(_ visit: Visit) {
            var (low, high) = (0, self.waiting.count)
            while low < high {
                let middle = (low + high) / 2
                if self.waiting[middle].due > visit.due { low = middle + 1 } else { high = middle }
            }
            self.waiting.insert(visit, at: low)
        }
    }

    private let interval: Duration
    private var random: UInt64
    private var courses: [InstanceKey: Course] = [:]
    private var prompt = Door(inFlightMax: Self.promptInFlightMax)
    private var slow = Door(inFlightMax: Self.slowInFlightMax)
    private var visits = 0

    public init(interval: Duration, seed: UInt64) {
        precondition(interval > .zero, "an interval of \(interval)")
        self.interval = interval
        self.random = seed
    }

    /// The instances there are now. Those that stay keep their place in time.
    public mutating func follow(_ keys: [InstanceKey], now: Instant) {
        let present = Set(keys)
        self.follow(leaving: self.courses.keys.filter { !present.contains($0) }, arriving: keys, now: now)
    }

    /// What changed of the instances. One that is there already, or not there, stays as it is.
    public mutating func follow(leaving: [InstanceKey], arriving: [InstanceKey], now: Instant) {
        for key in leaving {
            guard let course = self.courses.removeValue(forKey: key) else { continue }
            if course.startedAt != nil { self.leave(course) }
        }
        let new = arriving.filter { self.courses[$0] == nil }
        let step = min(Self.spreadStep, Self.spreadMax / max(1, new.count))
        for (place, key) in new.enumerated() { self.plan(key, Course(), due: now + step * place) }
    }

    /// Whom to probe now. Each of them must be reported to `ended`.
    public mutating func start(now: Instant) -> [InstanceKey] {
        self.start(at: \.prompt, now: now) + self.start(at: \.slow, now: now)
    }

    /// The probe that `start` asked for has ended. `keptWaiting`: by its deadline, not by an answer.
    public mutating func ended(_ key: InstanceKey, keptWaiting: Bool, now: Instant) {
        guard var course = self.courses[key], let started = course.startedAt else { return }
        self.leave(course)
        course.isSlow = keptWaiting
        course.startedAt = nil
        self.plan(key, course, due: max(now, started + self.nextInterval()))
    }

    /// The probe that `start` asked for is not made: somebody else has made one, and the next is due after `wait`.
    public mutating func postpone(_ key: InstanceKey, by wait: Duration, now: Instant) {
        guard var course = self.courses[key], course.startedAt != nil else { return }
        self.leave(course)
        course.startedAt = nil
        self.plan(key, course, due: now + wait)
    }

    /// When `start` will have something to do, unless a probe ends before; nil when only that can bring it.
    public mutating func nextDue() -> Instant? {
        [self.nextDue(at: \.prompt), self.nextDue(at: \.slow)].compactMap { $0 }.min()
    }

    public var inFlight: Int { self.prompt.inFlight + self.slow.inFlight }

    private mutating func plan(_ key: InstanceKey, _ course: Course, due: Instant) {
        self.visits += 1
        var course = course
        course.visit = self.visits
        self.courses[key] = course
        let visit = Visit(due: due, key: key, visit: self.visits)
        if course.isSlow { self.slow.insert(visit) } else { self.prompt.insert(visit) }
    }

    private mutating func leave(_ course: Course) {
        if course.isSlow { self.slow.inFlight -= 1 } else { self.prompt.inFlight -= 1 }
    }

    private mutating func start(at door: WritableKeyPath<ProbeSchedule, Door>, now: Instant) -> [InstanceKey] {
        var keys: [InstanceKey] = []
        while self[keyPath: door].inFlight < self[keyPath: door].inFlightMax,
            let visit = self.firstVisit(at: door), visit.due <= now
        {
            self[keyPath: door].waiting.removeLast()
            self[keyPath: door].inFlight += 1
            self.courses[visit.key]?.startedAt = now
            keys.append(visit.key)
        }
        return keys
    }

    private mutating func nextDue(at door: WritableKeyPath<ProbeSchedule, Door>) -> Instant? {
        guard self[keyPath: door].inFlight < self[keyPath: door].inFlightMax else { return nil }
        return self.firstVisit(at: door)?.due
    }

    /// The first visit that is still meant, dropping stale ones before it.
    private mutating func firstVisit(at door: WritableKeyPath<ProbeSchedule, Door>) -> Visit? {
        while let visit = self[keyPath: door].waiting.last {
            if self.courses[visit.key]?.visit == visit.visit { return visit }
            self[keyPath: door].waiting.removeLast()
        }
        return nil
    }

    /// The interval, give or take a twentieth.
    private mutating func nextInterval() -> Duration {
        self.random = StableHash.mixed(self.random)
        return self.interval * (0.95 + 0.1 * Double(self.random >> 11) / Double(1 << 53))
    }
}
