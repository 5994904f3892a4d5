import ControlLoops
import Decisions
import Gateway
import Logging
import ManagerTesting
import Registry
import Testing

@Suite(.timeLimit(.minutes(5))) struct `The prober` {
    let instances = FakeInstances()
    let time = ManualTime()
    let log = LogCapture()

    func prober(interval: Duration = .seconds(10)) -> Prober {
        Prober(
            replica: "r1",
            interval: interval,
            port: self.instances,
            time: self.time.time,
            seed: 1,
            logger: self.log.logger()
        )
    }

    /// Runs the prober beside the body.
    func running(_ prober: Prober, _ body: () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await prober.run() }
            try await body()
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    /// Moves time until the condition holds, at most `limit` of it.
    func moving(upTo limit: Duration, until condition: () -> Bool) async -> Bool {
        let end = self.time.now + limit
        while self.time.now < end {
            if condition() { return true }
            await self.time.advance(by: .milliseconds(50))
        }
        return condition()
    }

    @Test func `probes a new service at once, on its path, and tells the data plane`() async throws {
        let service = try Samples.service("lstm", healthPath: "/well")
        let prober = self.prober()
        prober.apply(Samples.snapshot([service]))
        #expect(prober.report(of: service.id).map(\.verdict) == [.unknown])
        #expect(prober.report(of: service.id).first?.lastCheck == nil)
        try await self.running(prober) {
            #expect(await self.moving(upTo: .seconds(1)) { self.instances.verdict(of: service) == .healthy })
        }
        let call = try #require(self.instances.calls.first)
        #expect(call.url == service.definition.url)
        #expect(call.path == "/base/well")
        #expect(call.method == "GET")
        #expect(call.timeout == .seconds(5))
        let health = try #require(prober.report(of: service.id).first)
        #expect(health.verdict == .healthy && health.checkedBy == "r1" && health.error == nil)
        #expect(health.lastCheck != nil && health.latency != nil)
        #expect(health.history.map(\.to) == [.healthy])
    }

    @Test func `probes each instance once per interval`() async throws {
        let services = try (0..<20).map { try Samples.service("lstm-\($0)") }
        let prober = self.prober(interval: .seconds(2))
        prober.apply(Samples.snapshot(services))
        try await self.running(prober) { await self.time.advance(by: .seconds(41), step: .milliseconds(50)) }
        for service in services {
            #expect((19...22).contains(self.instances.calls(of: service.definition.url)))
        }
        #expect(self.instances.inFlightMost == 1)
    }

    @Test func `gives a probe half of a short interval`() async throws {
        let service = try Samples.service("lstm")
        let prober = self.prober(interval: .milliseconds(500))
        prober.apply(Samples.snapshot([service]))
        _ = await prober.probeNow(service.id)
        #expect(self.instances.calls.first?.timeout == .milliseconds(250))
    }

    @Test(arguments: [
        (UpstreamFailure.Kind.connectRefused, 1), (.denied, 1), (.timeout, 3), (.reset, 3), (.brokenAnswer, 3),
        (.connectTimeout, 3), (.tls, 3), (.resolve, 3),
    ])
    func `calls a healthy instance unhealthy after enough failed probes, and says why`(
        kind: UpstreamFailure.Kind,
        probes: Int
    ) async throws {
        let service = try Samples.service("lstm")
        let prober = self.prober()
        prober.apply(Samples.snapshot([service]))
        _ = await prober.probeNow(service.id)
        self.instances.set(.failure(kind), at: service.definition.url)
        for probe in 1...probes {
            let health = try #require(await prober.probeNow(service.id).first)
            #expect(health.verdict == (probe == probes ? .unhealthy : .healthy))
            #expect(health.error?.hasPrefix(kind.rawValue) == true)
            #expect(health.latency == nil)
        }
        #expect(self.instances.verdict(of: service) == .unhealthy)
    }

    @Test(arguments: [199, 301, 404, 500, 503]) func `takes any answer but a 2xx for a no`(status: Int) async throws {
        let service = try Samples.service("lstm")
        let prober = self.prober()
        prober.apply(Samples.snapshot([service]))
        self.instances.set(.status(status), at: service.definition.url)
        let health = try #require(await prober.probeNow(service.id).first)
        #expect(health.verdict == .unhealthy)
        #expect(health.error == "status \(status)")
    }

    @Test func `leaves a service unknown whose host does not resolve yet`() async throws {
        let service = try Samples.service("lstm")
        let prober = self.prober()
        prober.apply(Samples.snapshot([service]))
        self.instances.set(.failure(.resolve), at: service.definition.url)
        for _ in 0..<10 { #expect(await prober.probeNow(service.id).map(\.verdict) == [.unknown]) }
    }

    @Test func `logs each change of a verdict once, with what belongs to it`() async throws {
        let service = try Samples.service("lstm")
        let prober = self.prober()
        prober.apply(Samples.snapshot([service]))
        for behaviour in [FakeInstances.Behaviour.status(200), .status(200), .status(500), .status(500), .status(200)] {
            self.instances.set(behaviour, at: service.definition.url)
            _ = await prober.probeNow(service.id)
        }
        #expect(self.log.entries.map(\.level) == [.info, .warning])
        #expect(self.log.entries.map { $0.metadata["mm.verdict"] } == ["healthy", "unhealthy"])
        #expect(self.log.entries.last?.metadata["mm.service"] == "lstm")
        #expect(self.log.entries.last?.metadata["mm.instance"] == service.definition.url.description)
        #expect(self.log.entries.last?.metadata["mm.reason"] == "status 500")
    }

    @Test func `lets a hundred hanging instances wait without keeping the others waiting`() async throws {
        let hanging = try (0..<100).map { try Samples.service("hang-\($0)") }
        let well = try (0..<100).map { try Samples.service("well-\($0)") }
        for service in hanging { self.instances.set(.failure(.timeout), at: service.definition.url) }
        let prober = self.prober(interval: .seconds(2))
        prober.apply(Samples.snapshot(well + hanging))
        try await self.running(prober) {
            #expect(
                await self.moving(upTo: .seconds(2)) {
                    (well + hanging).allSatisfy { self.instances.calls(of: $0.definition.url) == 1 }
                }
            )
            for service in hanging { self.instances.set(.hang, at: service.definition.url) }
            let before = well.map { self.instances.calls(of: $0.definition.url) }
            await self.time.advance(by: .seconds(11), step: .milliseconds(50))
            for (service, calls) in zip(well, before) {
                #expect(self.instances.calls(of: service.definition.url) - calls >= 4)
            }
        }
        #expect(self.instances.inFlightMost == 1)
    }

    @Test func `follows the registry: the new are probed, the gone are not, those that stay keep their verdict`()
        async throws
    {
        let (first, second) = (try Samples.service("first"), try Samples.service("second"))
        let prober = self.prober(interval: .seconds(1))
        prober.apply(Samples.snapshot([first]))
        try await self.running(prober) {
            #expect(await self.moving(upTo: .seconds(1)) { self.instances.verdict(of: first) == .healthy })
            let since = prober.report(of: first.id).first?.since
            var moved = first
            moved.definition.healthPath = "/other"
            prober.apply(Samples.snapshot([moved, second], epoch: 2))
            #expect(prober.report(of: first.id).first?.since == since)
            #expect(await self.moving(upTo: .seconds(1)) { self.instances.verdict(of: second) == .healthy })
            #expect(await self.moving(upTo: .seconds(2)) { self.instances.calls.contains { $0.path == "/base/other" } })
            prober.apply(Samples.snapshot([second], epoch: 3))
            await self.time.advance(by: .milliseconds(100))
            let calls = self.instances.calls(of: first.definition.url)
            await self.time.advance(by: .seconds(5))
            #expect(self.instances.calls(of: first.definition.url) == calls)
        }
        #expect(prober.report(of: first.id).isEmpty)
    }

    @Test func `ends when it is cancelled, though probes hang`() async throws {
        let service = try Samples.service("lstm")
        self.instances.set(.hang, at: service.definition.url)
        let prober = self.prober()
        prober.apply(Samples.snapshot([service]))
        try await self.running(prober) {
            #expect(await self.moving(upTo: .seconds(1)) { self.instances.calls.count == 1 })
        }
    }
}
