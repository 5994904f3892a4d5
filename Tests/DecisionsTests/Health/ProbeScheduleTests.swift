import Decisions
import ManagerTesting
import Registry
import Testing

@Suite struct `A probe schedule` {
    let start = Instant(nanoseconds: 1_000_000_000_000)

    static func keys(_ count: Int) throws -> [InstanceKey] {
        try (0..<count).map {
            InstanceKey(service: try #require(ServiceID("s\($0)")), url: try ServiceURL("http://h:\(8000 + $0)"))
        }
    }

    @Test func `begins at once with one new instance`() throws {
        var schedule = ProbeSchedule(interval: .seconds(10), seed: 1)
        let keys = try Self.keys(1)
        schedule.follow(keys, now: start)
        #expect(schedule.nextDue() == start)
        #expect(schedule.start(now: start) == keys)
        #expect(schedule.start(now: start + .seconds(100)) == [])
        #expect(schedule.nextDue() == nil)
    }

    @Test(arguments: [2, 100, 2000]) func `spreads many new instances over at most a second`(count: Int) throws {
        var schedule = ProbeSchedule(interval: .seconds(10), seed: 1)
        schedule.follow(try Self.keys(count), now: start)
        var (now, started, most) = (start, 0, 0)
        while now <= start + .seconds(1) {
            let keys = schedule.start(now: now)
            most = max(most, keys.count)
            started += keys.count
            for key in keys { schedule.ended(key, keptWaiting: false, now: now) }
            now = now + .milliseconds(10)
        }
        #expect(started == count)
        #expect(most <= max(6, count / 50))
    }

    @Test func `returns an interval after the start, give or take a twentieth`() throws {
        var schedule = ProbeSchedule(interval: .seconds(10), seed: 7)
        let key = try Self.keys(1)[0]
        schedule.follow([key], now: start)
        var now = start
        var pauses: [Duration] = []
        for _ in 0..<200 {
            #expect(schedule.start(now: now) == [key])
            schedule.ended(key, keptWaiting: false, now: now + .seconds(3))
            let next = schedule.nextDue()
            let due = try #require(next)
            pauses.append(due - now)
            now = due
        }
        #expect(pauses.allSatisfy { $0 >= .milliseconds(9500) && $0 <= .milliseconds(10_500) })
        #expect(Set(pauses).count > 190)
    }

    @Test func `bounds what is in flight, and keeps places for those that are not slow`() throws {
        var schedule = ProbeSchedule(interval: .seconds(10), seed: 1)
        let keys = try Self.keys(200)
        schedule.follow(keys, now: start)
        var now = start + .seconds(1)
        let first = schedule.start(now: now)
        #expect(first.count == ProbeSchedule.promptInFlightMax)
        for key in first { schedule.ended(key, keptWaiting: true, now: now + .seconds(5)) }
        now = now + .seconds(60)
        let second = schedule.start(now: now)
        #expect(second.count == ProbeSchedule.promptInFlightMax + ProbeSchedule.slowInFlightMax)
        #expect(schedule.inFlight == second.count)
        #expect(Set(second).intersection(first).count == ProbeSchedule.slowInFlightMax)
        for key in second { schedule.ended(key, keptWaiting: false, now: now) }
        #expect(schedule.inFlight == 0)
    }

    @Test func `forgets who left, also in flight, and begins anew with who comes back`() throws {
        var schedule = ProbeSchedule(interval: .seconds(10), seed: 1)
        let keys = try Self.keys(2)
        schedule.follow(keys, now: start)
        #expect(schedule.start(now: start + .seconds(1)) == keys)
        schedule.follow([keys[1]], now: start + .seconds(1))
        #expect(schedule.inFlight == 1)
        schedule.ended(keys[0], keptWaiting: false, now: start + .seconds(2))
        #expect(schedule.inFlight == 1)
        schedule.follow(keys, now: start + .seconds(3))
        #expect(schedule.start(now: start + .seconds(3)) == [keys[0]])
    }

    @Test(arguments: SeededRandom.runs(5)) func `keeps its bounds and forgets nobody, whatever comes and goes`(
        seeded: SeededRandom
    )
        throws
    {
        var random = seeded
        let all = try Self.keys(150)
        var schedule = ProbeSchedule(interval: .seconds(10), seed: random.next())
        var present = Set<InstanceKey>()
        var running = Set<InstanceKey>()
        var lastStart: [InstanceKey: Instant] = [:]
        var now = start
        for _ in 0..<1500 {
            now = now + .milliseconds(Int64.random(in: 0...200, using: &random))
            if Int.random(in: 0..<20, using: &random) == 0 {
                let next = Set(all.filter { _ in Int.random(in: 0..<3, using: &random) > 0 })
                schedule.follow(all.filter(next.contains), now: now)
                for key in next.subtracting(present) { lastStart[key] = now }
                running.formIntersection(next.intersection(present))
                present = next
            }
            for key in schedule.start(now: now) {
                #expect(present.contains(key) && !running.contains(key))
                running.insert(key)
                lastStart[key] = now
            }
            #expect(schedule.inFlight == running.count)
            #expect(running.count <= ProbeSchedule.promptInFlightMax + ProbeSchedule.slowInFlightMax)
            for key in running.filter({ _ in Int.random(in: 0..<4, using: &random) == 0 }).sorted(by: {
                $0.service < $1.service
            }) {
                schedule.ended(key, keptWaiting: Bool.random(using: &random), now: now)
                running.remove(key)
            }
        }
        for key in present.subtracting(running) {
            #expect(try #require(lastStart[key]) > now + .seconds(-14), "\(key) was forgotten")
        }
    }
}
