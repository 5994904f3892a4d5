import Gateway
import ManagerTesting
import Registry
import Testing

@Suite struct `Instances with a limit` {
    private let patience = Duration.seconds(60)

    /// Limits are shared, and nobody's time runs out unless a test says so.
    private func share(_ settings: inout DataPlaneSettings) {
        settings.sharesLimits = true
        settings.queueTimeout = .seconds(600)
    }

    /// A data plane that shares its limits, with one service of that limit.
    private func run(
        limit: Int,
        at stub: CrowdedStub,
        loops: Int = 1,
        _ adjust: (inout DataPlaneSettings) -> Void = { _ in },
        _ body: (Setting, InstanceKey) async throws -> Void
    ) async throws {
        try await Setting.run(
            loops: loops,
            {
                self.share(&$0)
                adjust(&$0)
            },
            { setting in
                let service = try Setting.service("a", at: stub.url) { $0.concurrentRequestsMax = limit }
                setting.register([service])
                try await body(setting, InstanceKey(service: service.id, url: service.url))
            }
        )
        await stub.stub.stop()
    }

    /// Sends so many requests, each on a connection of its own, and waits until all of them are in the queue.
    private func crowd(_ count: Int, _ setting: Setting) async throws -> [Caller] {
        var callers: [Caller] = []
        for number in 0..<count {
            let caller = try await setting.caller()
            try await caller.send(Setting.request(#"{"model_type":"LSTM","data":[\#(number)]}"#))
            callers.append(caller)
            try await self.untilWaiting(number + 1, setting)
        }
        return callers
    }

    private func untilWaiting(_ count: Int, _ setting: Setting) async throws {
        let waits = try await eventually(within: self.patience) {
            await setting.plane.statistics().queueWaiting == count
        }
        try #require(waits, "\(count) wait")
    }

    @Test func `get no more requests at once than permits, and everybody who waits is served`() async throws {
        let stub = try await CrowdedStub.start(pause: .milliseconds(5))
        try await self.run(limit: 3, at: stub, loops: 2) { setting, key in
            let callers = try await self.crowd(50, setting)
            let need = try #require(setting.plane.permitNeeds().first)
            #expect((need.key, need.limit, need.inFlight, need.waiting) == (key, 3, 0, 50))
            #expect(stub.most == 0, "nothing is sent before a permit is granted")
            _ = setting.plane.grantPermits(3, to: key)
            for caller in callers { #expect(try await caller.answer(within: self.patience).status == 200) }
            #expect(stub.most == 3)
            let statistics = await setting.plane.statistics()
            #expect((statistics.queueEntered, statistics.queueWait.total, statistics.queueWaiting) == (50, 50, 0))
            #expect(statistics.queueRefused + statistics.queueTimedOut == 0)
            #expect(try await setting.predict().status == 200, "with a permit in hand nobody waits")
            #expect(await setting.plane.statistics().queueEntered == 50)
        }
    }

    @Test func `would get more, if more were granted`() async throws {
        let stub = try await CrowdedStub.start()
        try await self.run(limit: 3, at: stub, loops: 2) { setting, key in
            let callers = try await self.crowd(8, setting)
            _ = setting.plane.grantPermits(5, to: key)
            #expect(try await eventually(within: self.patience) { stub.most == 5 })
            stub.stub.release()
            for caller in callers { #expect(try await caller.answer(within: self.patience).status == 200) }
        }
    }

    @Test func `serve those who wait in the order in which they came`() async throws {
        let stub = try await CrowdedStub.start(pause: .milliseconds(1))
        try await self.run(limit: 1, at: stub, loops: 2) { setting, key in
            let callers = try await self.crowd(10, setting)
            _ = setting.plane.grantPermits(1, to: key)
            for caller in callers { #expect(try await caller.answer(within: self.patience).status == 200) }
            let bodies = stub.stub.requests.compactMap { $0.split(separator: "\r\n\r\n").last.map(String.init) }
            #expect(bodies == (0..<10).map { #"{"model_type":"LSTM","data":[\#($0)]}"# })
        }
    }

    @Test func `say how many are in flight when fewer are allowed, and admit again when enough have ended`()
        async throws
    {
        let stub = try await CrowdedStub.start()
        try await self.run(limit: 3, at: stub) { setting, key in
            let callers = try await self.crowd(4, setting)
            #expect(setting.plane.grantPermits(3, to: key) == 3, "they are sent at once")
            #expect(setting.plane.grantPermits(1, to: key) == 3)
            #expect(setting.state("a")?.permitsHeld == 1)
            #expect(try await eventually(within: self.patience) { stub.most == 3 })
            stub.stub.release()
            for caller in callers { #expect(try await caller.answer(within: self.patience).status == 200) }
            #expect(try await eventually(within: self.patience) { setting.plane.grantPermits(1, to: key) == 0 })
        }
    }

    @Test func `ring for the reserver when permits lack, and when one ends where none was free`() async throws {
        let stub = try await CrowdedStub.start()
        let rings = Tally()
        try await self.run(limit: 3, at: stub) { setting, key in
            setting.plane.connectReservers(permits: { rings.add() }, tickets: {})
            let callers = try await self.crowd(1, setting)
            #expect(rings.count == 1)
            _ = setting.plane.grantPermits(2, to: key)
            stub.stub.release()
            _ = try await callers[0].answer(within: self.patience)
            #expect(rings.count == 1, "one was free all the time")
            _ = setting.plane.grantPermits(1, to: key)
            _ = try await setting.predict()
            #expect(try await eventually(within: self.patience) { rings.count == 2 })
        }
    }

    @Test func `forget a caller who has left`() async throws {
        let stub = try await CrowdedStub.start(pause: .milliseconds(1))
        try await self.run(limit: 1, at: stub) { setting, key in
            let callers = try await self.crowd(3, setting)
            await callers[1].close()
            try await self.untilWaiting(2, setting)
            _ = setting.plane.grantPermits(1, to: key)
            for caller in [callers[0], callers[2]] {
                #expect(try await caller.answer(within: self.patience).status == 200)
            }
            #expect(stub.stub.requests.count == 2)
            #expect(try await eventually(within: self.patience) { setting.state("a")?.inFlight == 0 })
        }
    }

    @Test func `refuse at once whom the queue has no room for`() async throws {
        let stub = try await CrowdedStub.start()
        try await self.run(limit: 1, at: stub, { $0.queueLimit = 2 }) { setting, _ in
            let callers = try await self.crowd(2, setting)
            self.expectOverloaded([try await setting.predict()])
            let statistics = await setting.plane.statistics()
            #expect((statistics.queueRefused, statistics.queueTimedOut, statistics.queueWaiting) == (1, 0, 2))
            for caller in callers { #expect(caller.received.isEmpty) }
        }
    }

    @Test func `refuse whoever waited too long`() async throws {
        let stub = try await CrowdedStub.start()
        try await self.run(limit: 1, at: stub, { $0.queueTimeout = .seconds(1) }) { setting, _ in
            let callers = [try await setting.caller(), try await setting.caller()]
            for caller in callers { try await caller.send(Setting.request()) }
            self.expectOverloaded(try await self.answers(callers))
            let statistics = await setting.plane.statistics()
            #expect((statistics.queueRefused, statistics.queueTimedOut, statistics.queueWaiting) == (0, 2, 0))
            #expect(statistics.problems["overloaded"] == 2)
        }
    }

    private func expectOverloaded(_ answers: [CallerAnswer]) {
        for answer in answers {
            #expect(answer.status == 503)
            #expect(answer["x-mm-error-code"] == "overloaded")
            #expect(answer["retry-after"] == "1")
        }
    }

    @Test func `hold nobody longer than the request's own deadline`() async throws {
        let stub = try await CrowdedStub.start()
        try await self.run(limit: 1, at: stub) { setting, _ in
            // In vain it would wait for 600 s, which is longer than anybody here waits for its answer.
            let answer = try await setting.predict(headers: "x-mm-timeout-ms: 200\r\n")
            #expect(answer.status == 503)
        }
    }

    private func answers(_ callers: [Caller]) async throws -> [CallerAnswer] {
        var answers: [CallerAnswer] = []
        for caller in callers { answers.append(try await caller.answer(within: self.patience)) }
        return answers
    }

    @Test func `share one queue: whichever has a permit first takes the next request`() async throws {
        let stubs = [try await CrowdedStub.start(body: "0"), try await CrowdedStub.start(body: "1")]
        try await Setting.run({ self.share(&$0) }) { setting in
            let services = try stubs.enumerated().map { index, stub in
                try Setting.service("s\(index)", at: stub.url) { $0.concurrentRequestsMax = 1 }
            }
            setting.register(services)
            let callers = try await self.crowd(3, setting)
            #expect(setting.plane.permitNeeds().map(\.waiting) == [2, 2])
            let keys = services.map { InstanceKey(service: $0.id, url: $0.url) }
            _ = setting.plane.grantPermits(1, to: keys[1])
            for stub in stubs { stub.stub.release() }
            let bodies = try await self.answers(callers).map(\.body)
            #expect(bodies == ["1", "1", "1"])
        }
        for stub in stubs { await stub.stub.stop() }
    }

    @Test func `lose those who wait to an instance that can take them now`() async throws {
        let stub = try await CrowdedStub.start()
        let other = try await StubUpstream.answering(StubUpstream.json("other"))
        try await self.run(limit: 1, at: stub) { setting, _ in
            let callers = try await self.crowd(2, setting)
            setting.register([
                try Setting.service("a", at: stub.url) { $0.concurrentRequestsMax = 1 },
                try Setting.service("b", at: other.url),
            ])
            #expect(try await self.answers(callers).map(\.body) == ["other", "other"])
        }
        await other.stop()
    }

    @Test func `are waited for by a second try, which does not go back to the first`() async throws {
        let stub = try await CrowdedStub.start(body: "second")
        let bad = try await StubUpstream.start { _, _ in [.reset] }
        try await self.run(limit: 1, at: stub, { $0.retryDelay = .zero }) { setting, key in
            setting.register([
                try Setting.service("a", at: stub.url) { $0.concurrentRequestsMax = 1 },
                try Setting.service("b", at: bad.url),
            ])
            let callers = try await self.crowd(1, setting)
            #expect(bad.requests.count == 1)
            stub.stub.release()
            _ = setting.plane.grantPermits(1, to: key)
            #expect(try await self.answers(callers).map(\.body) == ["second"])
            #expect(bad.requests.count == 1)
        }
        await bad.stop()
    }

    @Test func `are served to the end of the queue by a replica that leaves`() async throws {
        let stub = try await CrowdedStub.start(pause: .milliseconds(1))
        try await self.run(limit: 1, at: stub) { setting, key in
            let callers = try await self.crowd(5, setting)
            setting.plane.beginDraining()
            await setting.plane.stopListening()
            async let cut = setting.plane.finish(within: self.patience)
            _ = setting.plane.grantPermits(1, to: key)
            #expect(try await self.answers(callers).map(\.status) == [200, 200, 200, 200, 200])
            #expect(await cut == 0)
        }
    }

    @Test func `count the requests they had when they left the registry and came back`() async throws {
        let stub = try await CrowdedStub.start()
        try await self.run(limit: 3, at: stub) { setting, key in
            let callers = try await self.crowd(2, setting)
            _ = setting.plane.grantPermits(2, to: key)
            #expect(try await eventually(within: self.patience) { stub.most == 2 })
            setting.register([])
            #expect(setting.plane.permitNeeds().map(\.inFlight) == [2], "until the last one has ended")
            setting.register([try Setting.service("a", at: stub.url) { $0.concurrentRequestsMax = 3 }])
            #expect(setting.plane.permitNeeds().map(\.inFlight) == [2])
            setting.register([])
            stub.stub.release()
            #expect(try await self.answers(callers).map(\.status) == [200, 200])
            #expect(try await eventually(within: self.patience) { setting.plane.permitNeeds().isEmpty })
        }
    }
}
