import Gateway
import ManagerTesting
import Registry
import Testing

/// Each way an instance can fail before the first byte of its answer, next to one that works.
@Suite struct `Failover` {
    enum Failure: String, CaseIterable, Sendable {
        case refused, closedUnread, reset, closedInHead, garbage, noAnswer, status500, status502, status503, status429,
            bothLengths, switching, headTooLong

        func script(_ number: Int, _ request: String) -> [StubUpstream.Step] {
            switch self {
            case .refused, .closedUnread: [.close]
            case .reset: [.reset]
            case .closedInHead: [.send("HTTP/1.1 200 O"), .close]
            case .garbage: [.send("SSH-2.0-OpenSSH_9.2p1\r\n\r\n"), .close]
            case .noAnswer: [.hold]
            case .status500: [.send(StubUpstream.json("{}", status: "500 Oops")), .next]
            case .status502: [.send(StubUpstream.json("{}", status: "502 Oops")), .next]
            case .status503: [.send(StubUpstream.json("{}", status: "503 Oops")), .next]
            case .status429: [.send(StubUpstream.json("{}", status: "429 Oops")), .next]
            case .bothLengths:
                [.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{}"), .next]
            case .switching: [.send("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n"), .next]
            case .headTooLong: [.send("HTTP/1.1 200 OK\r\n" + String(repeating: "a: b\r\n", count: 9000)), .close]
            }
        }
    }

    @Test(arguments: Failure.allCases) func `goes on to the next instance`(failure: Failure) async throws {
        let bad = try await StubUpstream.start { failure.script($0, $1) }
        if failure == .refused { await bad.kill() }
        let good = try await StubUpstream.answering(StubUpstream.json("good"))
        let limit: Duration = failure == .noAnswer ? .seconds(10) : .seconds(600)
        try await Setting.run { setting in
            setting.register([
                try Setting.service("a", at: bad.url) { $0.timeout = limit },
                try Setting.service("b", at: good.url) { $0.timeout = limit },
            ])
            var attempts: Set<String> = []
            for _ in 0..<4 {
                let answer = try await setting.predict()
                #expect(answer.status == 200, "\(answer)")
                #expect(answer.body == "good")
                #expect(answer["x-mm-service"] == "b")
                attempts.insert(answer["x-mm-attempts"] ?? "none")
            }
            #expect(attempts == ["1", "2"])
            #expect(good.requests.count == 4)
            let statistics = await setting.plane.statistics()
            #expect(statistics.requests == 4)
            #expect(statistics.retries == 2)
            #expect(statistics.inFlight == 0)
        }
        await bad.stop()
        await good.stop()
    }

    @Test func `never asks an instance twice while another is left`() async throws {
        let stubs = [
            try await StubUpstream.answering(StubUpstream.json("0", status: "500 No")),
            try await StubUpstream.answering(StubUpstream.json("1", status: "500 No")),
            try await StubUpstream.answering(StubUpstream.json("2", status: "500 No")),
            try await StubUpstream.answering(StubUpstream.json("3", status: "500 No")),
        ]
        try await Setting.run { setting in
            setting.register(try stubs.enumerated().map { try Setting.service("s\($0)", at: $1.url) })
            let answer = try await setting.predict()
            #expect(answer.status == 500)
            #expect(answer["x-mm-attempts"] == "4")
            #expect(stubs.map(\.requests.count) == [1, 1, 1, 1])
        }
        for stub in stubs { await stub.stop() }
    }

    @Test func `returns the last answer of an instance as it is when the tries are used up`() async throws {
        let stub = try await StubUpstream.start { number, _ in
            [
                .send(StubUpstream.json("try \(number)", status: "503 Own Words", headers: "x-own: \(number)\r\n")),
                .next,
            ]
        }
        try await Setting.run { setting in
            setting.register([try Setting.service("a", at: stub.url)])
            let answer = try await setting.predict(headers: "x-mm-max-retries: 2\r\n")
            #expect(answer.status == 503)
            #expect(answer.body == "try 2")
            #expect(answer["x-own"] == "2")
            #expect(answer["x-mm-attempts"] == "3")
            #expect(answer["x-mm-error-code"] == nil)
        }
        await stub.stop()
    }

    @Test func `returns an earlier answer when the later tries find nobody`() async throws {
        let stub = try await StubUpstream.start { number, _ in
            number == 0 ? [.send(StubUpstream.json("the only answer", status: "500 No")), .close] : [.reset]
        }
        try await Setting.run { setting in
            setting.register([try Setting.service("a", at: stub.url)])
            let answer = try await setting.predict()
            #expect(answer.status == 500)
            #expect(answer.body == "the only answer")
        }
        await stub.stop()
    }

    @Test(arguments: [400, 401, 404, 409, 422]) func `brings a 4xx back as it is`(status: Int) async throws {
        let stub = try await StubUpstream.answering(StubUpstream.json("mine", status: "\(status) Mine"))
        let other = try await StubUpstream.answering(StubUpstream.json("mine", status: "\(status) Mine"))
        try await Setting.run { setting in
            setting.register([try Setting.service("a", at: stub.url), try Setting.service("b", at: other.url)])
            let answer = try await setting.predict()
            #expect(answer.status == status)
            #expect(answer.body == "mine")
            #expect(stub.requests.count + other.requests.count == 1)
        }
        await stub.stop()
        await other.stop()
    }

    @Test func `tells of every attempt when nobody could be reached`() async throws {
        let dead = try await StubUpstream.answering("")
        await dead.kill()
        try await Setting.run { setting in
            setting.register([
                try Setting.service("a", at: dead.url), try Setting.service("b", at: dead.url + "/b"),
            ])
            let answer = try await setting.predict(headers: "x-mm-max-retries: 1\r\n")
            #expect(answer.status == 502)
            #expect(answer["x-mm-error-code"] == "upstream_unreachable")
            #expect(answer["content-type"] == "application/json")
            #expect(answer.body.contains(#""code":"upstream_unreachable""#))
            #expect(answer.body.contains(#""outcome":"connect_refused""#))
            #expect(answer.body.contains(#""service_id":"a""#) && answer.body.contains(#""service_id":"b""#))
        }
    }

    @Test func `a hanging instance alone costs the deadline`() async throws {
        let stub = try await StubUpstream.start { _, _ in [.hold] }
        try await Setting.run { setting in
            setting.register([try Setting.service("a", at: stub.url)])
            let start = ContinuousClock.now
            let answer = try await setting.predict(headers: "x-mm-timeout-ms: 300\r\n")
            #expect(answer.status == 504)
            #expect(answer["x-mm-error-code"] == "upstream_timeout")
            #expect(ContinuousClock.now - start < .seconds(20))
            #expect(ContinuousClock.now - start > .milliseconds(290))
        }
        await stub.stop()
    }

    @Test func `retries once on a fresh connection when a kept one turns out to be closed`() async throws {
        let stub = try await StubUpstream.start { number, _ in
            number == 1 ? [.close] : [.send(StubUpstream.json("\(number)")), .next]
        }
        try await Setting.run { setting in
            setting.register([try Setting.service("a", at: stub.url)])
            let first = try await setting.predict()
            let second = try await setting.predict()
            #expect(first.body == "0")
            #expect(second.body == "2")
            #expect(second["x-mm-attempts"] == "1")
            #expect(stub.connections == 2)
        }
        await stub.stop()
    }

    @Test func `stops retrying when the budget is used up`() async throws {
        let stub = try await StubUpstream.answering(StubUpstream.json("no", status: "500 No"))
        try await Setting.run({ $0.retryDelay = .zero }) { setting in
            setting.register([try Setting.service("a", at: stub.url)])
            let began = ContinuousClock.now
            // Many at once, so that they are many in a second on a busy machine as well.
            let isRefused = try await eventually(within: .seconds(30)) {
                var callers: [Caller] = []
                for _ in 0..<20 { callers.append(try await setting.caller()) }
                for caller in callers { try await caller.send(Setting.request()) }
                for caller in callers { #expect(try await caller.answer().status == 500) }
                for caller in callers { await caller.close() }
                return await setting.plane.statistics().retriesRefusedByBudget > 0
            }
            #expect(isRefused)
            // Thirty retries in ten seconds are always allowed: the longer it takes, the more.
            let seconds = Int((ContinuousClock.now - began).components.seconds) + 1
            let statistics = await setting.plane.statistics()
            #expect(statistics.retries >= 30)
            #expect(statistics.retries <= 34 + 3 * seconds + Int(statistics.requests) / 5)
            #expect(stub.requests.count == Int(statistics.requests + statistics.retries))
        }
        await stub.stop()
    }

    @Test func `forgets the attempt of a caller who left`() async throws {
        let stub = try await StubUpstream.start { _, _ in [.hold] }
        try await Setting.run { setting in
            setting.register([try Setting.service("a", at: stub.url)])
            let caller = try await setting.caller()
            try await caller.send(Setting.request())
            #expect(try await eventually(within: .seconds(5)) { stub.requests.count == 1 })
            #expect(setting.state("a")?.inFlight == 1)
            await caller.close()
            #expect(try await eventually(within: .seconds(5)) { stub.openConnections == 0 })
            #expect(setting.state("a")?.inFlight == 0)
            #expect(await setting.plane.statistics().inFlight == 0)
            #expect(stub.requests.count == 1)
        }
        await stub.stop()
    }
}
