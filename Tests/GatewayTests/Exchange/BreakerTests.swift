import Decisions
import Gateway
import ManagerTesting
import Registry
import Testing

@Suite struct `A breaker on the data plane` {
    @Test func `trips on failures, answers at once, and closes after a good probe request`() async throws {
        let isWell = Flag()
        let stub = try await StubUpstream.start { _, _ in
            isWell.value ? [.send(StubUpstream.json("well")), .next] : [.reset]
        }
        try await Setting.run({
            $0.breaker = BreakerPolicy(failuresInRowMax: 3, cooldown: .seconds(2))
            $0.retriesMax = 0
        }) { setting in
            setting.register([try Setting.service("a", at: stub.url)])
            let id = try #require(ServiceID("a"))
            for _ in 0..<3 { #expect(try await setting.predict().status == 502) }
            #expect(setting.plane.states(of: id).first?.breaker == .open)
            #expect(setting.plane.states(of: id).first?.retryAt != nil)
            let refused = try await setting.predict()
            #expect(refused.status == 503)
            #expect(refused["x-mm-error-code"] == "no_healthy_service")
            #expect(["1", "2", "3"].contains(refused["retry-after"]))
            #expect(stub.requests.count == 3)
            isWell.set(true)
            #expect(
                try await eventually(within: .seconds(15)) { setting.plane.states(of: id).first?.breaker == .halfOpen }
            )
            #expect(try await setting.predict().body == "well")
            #expect(setting.plane.states(of: id).first?.breaker == .closed)
            #expect(
                setting.news.all == [
                    .init(service: "a", phase: .open), .init(service: "a", phase: .halfOpen),
                    .init(service: "a", phase: .closed),
                ]
            )
        }
        await stub.stop()
    }

    @Test func `takes out at most half of a pool`() async throws {
        let bad = [
            try await StubUpstream.start { _, _ in [.reset] }, try await StubUpstream.start { _, _ in [.reset] },
            try await StubUpstream.start { _, _ in [.reset] }, try await StubUpstream.start { _, _ in [.reset] },
        ]
        try await Setting.run({
            $0.breaker = BreakerPolicy(failuresInRowMax: 1, cooldown: .seconds(60))
            $0.retriesMax = 0
        }) { setting in
            setting.register(try bad.enumerated().map { try Setting.service("s\($0)", at: $1.url) })
            for _ in 0..<40 { _ = try await setting.predict() }
            let open = (0..<4).compactMap { ServiceID("s\($0)") }.flatMap { setting.plane.states(of: $0) }
                .count { $0.breaker == .open }
            #expect(open == 2)
        }
        for stub in bad { await stub.stop() }
    }

    @Test func `blames an instance for a 500 only when another one answers the same request`() async throws {
        let bad = try await StubUpstream.answering(StubUpstream.json("{}", status: "500 No"))
        let alsoBad = try await StubUpstream.answering(StubUpstream.json("{}", status: "500 No"))
        let good = try await StubUpstream.answering(StubUpstream.json("{}"))
        try await Setting.run({ $0.breaker = BreakerPolicy(failuresInRowMax: 2, cooldown: .seconds(60)) }) { setting in
            let id = try #require(ServiceID("a"))
            setting.register([try Setting.service("a", at: bad.url), try Setting.service("b", at: alsoBad.url)])
            for _ in 0..<4 { #expect(try await setting.predict(headers: "x-mm-max-retries: 1\r\n").status == 500) }
            #expect(setting.plane.states(of: id).first?.failures == 0)
            setting.register([try Setting.service("a", at: bad.url), try Setting.service("b", at: good.url)])
            for _ in 0..<4 { #expect(try await setting.predict().status == 200) }
            #expect(setting.plane.states(of: id).first?.breaker == .open)
        }
        for stub in [bad, alsoBad, good] { await stub.stop() }
    }

    @Test(arguments: ["429 Busy\r\nx-a: b", "503 Busy\r\nretry-after: 1"])
    func `does not blame a busy instance`(status: String) async throws {
        let busy = try await StubUpstream.answering(
            "HTTP/1.1 \(status)\r\ncontent-length: 0\r\n\r\n"
        )
        let good = try await StubUpstream.answering(StubUpstream.json("{}"))
        try await Setting.run({ $0.breaker = BreakerPolicy(failuresInRowMax: 1) }) { setting in
            setting.register([try Setting.service("a", at: busy.url), try Setting.service("b", at: good.url)])
            for _ in 0..<6 { #expect(try await setting.predict().status == 200) }
            let state = try #require(setting.state("a"))
            #expect(state.breaker == .closed)
            #expect(state.failures == 0)
            #expect(busy.requests.count >= 2)
        }
        for stub in [busy, good] { await stub.stop() }
    }

    @Test func `good answers between failures start the count over`() async throws {
        let stub = try await StubUpstream.start { number, _ in
            number % 2 == 0 ? [.reset] : [.send(StubUpstream.json("{}")), .close]
        }
        try await Setting.run({
            $0.breaker = BreakerPolicy(failuresInRowMax: 2, requestsMin: 1000)
            $0.retriesMax = 0
        }) { setting in
            setting.register([try Setting.service("a", at: stub.url)])
            for _ in 0..<10 { _ = try await setting.predict() }
            #expect(setting.state("a")?.breaker == .closed)
        }
        await stub.stop()
    }

    @Test func `verdicts keep traffic away, until they condemn more than half`() async throws {
        let stubs = [
            try await StubUpstream.answering(StubUpstream.json("0")),
            try await StubUpstream.answering(StubUpstream.json("1")),
            try await StubUpstream.answering(StubUpstream.json("2")),
        ]
        try await Setting.run { setting in
            let services = try stubs.enumerated().map { try Setting.service("s\($0)", at: $1.url) }
            setting.register(services)
            let keys = services.map { InstanceKey(service: $0.id, url: $0.url) }
            setting.plane.setVerdict(.unhealthy, for: keys[0])
            for _ in 0..<6 { #expect(try await setting.predict().body != "0") }
            setting.plane.setVerdict(.unhealthy, for: keys[1])
            var seen: Set<String> = []
            for _ in 0..<6 { seen.insert(try await setting.predict().body) }
            #expect(seen == ["0", "1", "2"])
            #expect(await setting.plane.statistics().panics == 6)
        }
        for stub in stubs { await stub.stop() }
    }

    @Test func `a draining service takes no request`() async throws {
        let stubs = [
            try await StubUpstream.answering(StubUpstream.json("0")),
            try await StubUpstream.answering(StubUpstream.json("1")),
        ]
        try await Setting.run { setting in
            let services = try stubs.enumerated().map { try Setting.service("s\($0)", at: $1.url) }
            setting.register(services, draining: ["s0"])
            for _ in 0..<4 { #expect(try await setting.predict().body == "1") }
            setting.register(services, draining: ["s0", "s1"])
            #expect(try await setting.predict().status == 503)
            setting.register(services)
            #expect(try await setting.predict().status == 200)
        }
        for stub in stubs { await stub.stop() }
    }
}
