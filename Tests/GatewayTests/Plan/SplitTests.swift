import Decisions
import ManagerTesting
import Registry
import Testing

@testable import Gateway

/// Versions, aliases and splits, from the body of a request to the pool that serves it.
@Suite struct `A split of traffic` {
    @Test(arguments: [[1, 99], [10, 90], [33, 67], [50, 50], [20, 30, 50]])
    func `is exact over any ten thousand requests in a row`(shares: [Int]) throws {
        let names = ["v1", "v2", "v3"].prefix(shares.count)
        let split = Dictionary(uniqueKeysWithValues: zip(names, shares))
        let table = try table(try pointers(split: split))
        for _ in 0..<17 { _ = try plan(#"{"model_type":"LSTM"}"#, table) }
        var counts: [String: Int] = [:]
        for _ in 0..<10_000 { counts[try plan(#"{"model_type":"LSTM"}"#, table), default: 0] += 1 }
        for (name, share) in split { #expect(counts[name] == share * 100) }
    }

    @Test func `spreads a small share evenly instead of in one go`() throws {
        let table = try table(try pointers(split: ["v1": 99, "v2": 1]))
        for _ in 0..<20 {
            let hundred = try (0..<100).map { _ in try plan(#"{"model_type":"LSTM"}"#, table) }
            #expect(hundred.count { $0 == "v2" } == 1)
        }
    }

    @Test func `goes on over a new snapshot`() throws {
        var tickets: [RoutePool.Key: TicketSource] = [:]
        var counts: [String: Int] = [:]
        for _ in 0..<100 {
            let table = try table(try pointers(split: ["v1": 90, "v2": 10]), tickets: &tickets)
            for _ in 0..<10 { counts[try plan(#"{"model_type":"LSTM"}"#, table), default: 0] += 1 }
        }
        #expect(counts == ["v1": 900, "v2": 100])
    }

    @Test func `sends one hash key to one version, and keeps it there while the share grows`() throws {
        var stays = 0
        let shares = [1, 10, 50, 100]
        let tables = try shares.map { try table(try pointers(split: ["v1": 100 - $0, "v2": $0])) }
        var counts = [0, 0, 0, 0]
        for key in 0..<2000 {
            let body = #"{"model_type":"LSTM","model_version":"latest"}"#
            let hash = StableHashOf.key(key)
            let versions = try tables.map { try plan(body, $0, hashKey: hash) }
            for (place, table) in tables.enumerated() {
                #expect(try plan(body, table, hashKey: hash) == versions[place])
                if versions[place] == "v2" { counts[place] += 1 }
            }
            if let first = versions.firstIndex(of: "v2") {
                #expect(versions[first...].allSatisfy { $0 == "v2" })
                stays += 1
            }
        }
        #expect(stays == 2000)
        for (count, share) in zip(counts, shares) { #expect(abs(count - share * 20) < 100, "\(count) of \(share) %") }
    }

    @Test func `concerns only predictions that name no version`() throws {
        let table = try table(try pointers(latest: "v1", split: ["v2": 100], aliases: ["stable": "v1"]))
        #expect(try plan(#"{"model_type":"LSTM"}"#, table) == "v2")
        #expect(try plan(#"{"model_type":"LSTM","model_version":"latest"}"#, table) == "v2")
        #expect(try plan(#"{"model_type":"LSTM","model_version":null}"#, table) == "v2")
        #expect(try plan(#"{"model_type":"LSTM","model_version":"v1"}"#, table) == "v1")
        #expect(try plan(#"{"model_type":"LSTM","model_version":"stable"}"#, table) == "v1")
        #expect(try plan(#"{"model_type":"LSTM"}"#, table, .training) == "v1")
    }

    /// Whoever registers a version under the name of an alias must not get the alias' callers by it.
    @Test func `leaves an alias with its version when another one is registered under its name`() throws {
        let table = try table(try pointers(aliases: ["v2": "v1"]))
        #expect(try plan(#"{"model_type":"LSTM","model_version":"v2"}"#, table) == "v1")
        #expect(try plan(#"{"model_type":"LSTM","model_version":"v2"}"#, table, .training) == "v1")
    }

    @Test func `gives the share of a version that nothing serves to the others`() throws {
        let table = try table(try pointers(split: ["v1": 50, "v9": 50]))
        #expect(
            try (0..<10).map { _ in try plan(#"{"model_type":"LSTM"}"#, table) } == Array(repeating: "v1", count: 10)
        )
    }

    @Test(arguments: [
        (VersionState.draining, Problem.Code.noHealthyService), (.failed, .noHealthyService),
        (.loading, .noHealthyService), (.retired, .versionNotFound),
    ])
    func `lets no request to a version that is not to have any`(state: VersionState, code: Problem.Code) throws {
        var pointers = try pointers(latest: "v1")
        pointers.notes[try version("v2")] = VersionNote(state: state)
        pointers.aliases[try version("next")] = try version("v2")
        let table = try table(pointers)
        #expect(try refusal(of: #"{"model_type":"LSTM","model_version":"v2"}"#, table) == code)
        #expect(try refusal(of: #"{"model_type":"LSTM","model_version":"next"}"#, table) == .noHealthyService)
        #expect(try plan(#"{"model_type":"LSTM","model_version":"v1"}"#, table) == "v1")
    }

    @Test func `lets a retry go where a switch has gone meanwhile`() async throws {
        let old = try await StubUpstream.start { _, _ in [.hold, .reset] }
        let new = try await StubUpstream.answering(StubUpstream.json("2"))
        try await Setting.run { setting in
            let services = [
                try Setting.service("a", at: old.url, version: "v1"),
                try Setting.service("b", at: new.url, version: "v2"),
            ]
            let type = try #require(ModelType("LSTM"))
            setting.register(services, pointers: [type: try pointers(latest: "v1")])
            async let answer = setting.predict()
            #expect(try await eventually(within: .seconds(30)) { old.requests.count == 1 })
            setting.register(services, pointers: [type: try pointers(latest: "v2")])
            old.release()
            #expect(try await answer.body == "2")
            #expect(old.requests.count == 1, "the version before gets no new request")
            let traffic = await setting.plane.versionTraffic().sorted { $0.version < $1.version }
            #expect(traffic.map(\.requests) == [0, 1], "counted where it was answered")
            #expect(traffic.map(\.inFlight) == [0, 0])
        }
        for stub in [old, new] { await stub.stop() }
    }

    /// A request waits for a permit of v1, a service with a limit, when all go to v2.
    private func withSwitchWhileQueued(
        from old: String,
        to new: String,
        _ body: @Sendable (Setting, ServiceDefinition, _ answer: () async throws -> String) async throws -> Void
    ) async throws {
        try await Setting.run({
            $0.sharesLimits = true
            $0.queueTimeout = .seconds(30)
        }) { setting in
            let limited = try Setting.service("a", at: old, version: "v1") { $0.concurrentRequestsMax = 1 }
            let services = [limited, try Setting.service("b", at: new, version: "v2")]
            let type = try #require(ModelType("LSTM"))
            setting.register(services, pointers: [type: try pointers(latest: "v1")])
            let asked = Task { try await setting.predict().body }
            let waits = try await eventually(within: .seconds(30)) {
                await setting.plane.statistics().queueWaiting == 1
            }
            #expect(waits)
            setting.register(services, pointers: [type: try pointers(latest: "v2")])
            try await body(setting, limited) { try await asked.value }
            #expect(await setting.plane.statistics().queueWaiting == 0)
        }
    }

    @Test func `lets a request that waited for a permit go where a switch has gone meanwhile`() async throws {
        let old = try await StubUpstream.answering(StubUpstream.json("1"))
        let new = try await StubUpstream.answering(StubUpstream.json("2"))
        try await self.withSwitchWhileQueued(from: old.url, to: new.url) { setting, limited, answer in
            _ = setting.plane.grantPermits(1, to: InstanceKey(service: limited.id, url: limited.url))
            let body = try await answer()
            #expect(body == "2")
            #expect(old.requests.isEmpty, "the version before gets no new request")
            #expect(setting.plane.permitNeeds().map(\.inFlight) == [0], "the permit was given back")
        }
        for stub in [old, new] { await stub.stop() }
    }

    @Test func `leaves the queue for a version that has room after a switch`() async throws {
        let new = try await StubUpstream.answering(StubUpstream.json("2"))
        try await self.withSwitchWhileQueued(from: new.url, to: new.url) { _, _, answer in
            let body = try await answer()
            #expect(body == "2", "no permit was ever granted")
        }
        await new.stop()
    }

    @Test func `tells the instance the version, and the caller as well`() async throws {
        let stubs = [
            try await StubUpstream.answering(StubUpstream.json("1")),
            try await StubUpstream.answering(StubUpstream.json("2")),
        ]
        let names: [String] = ["v1", "v2"]
        try await Setting.run { setting in
            let services = try zip(stubs, names).map { try Setting.service("s\($1)", at: $0.url, version: $1) }
            let type = try #require(ModelType("LSTM"))
            setting.register(services, pointers: [type: try pointers(split: ["v1": 50, "v2": 50])])
            var answers: [String] = []
            for _ in 0..<10 {
                let answer = try await setting.predict(headers: "x-mm-model-version: forged\r\n")
                answers.append("\(answer["x-mm-model-version"] ?? "none") \(answer.body)")
            }
            #expect(answers.count { $0 == "v1 1" } == 5)
            #expect(answers.count { $0 == "v2 2" } == 5)
            for (stub, name) in zip(stubs, names) {
                for request in stub.requests {
                    #expect(request.contains("x-mm-model-version: \(name)\r\n"))
                    #expect(!request.contains("forged"))
                }
            }
            let traffic = await setting.plane.versionTraffic().sorted { $0.version < $1.version }
            #expect(traffic.map(\.requests) == [5, 5])
            #expect(traffic.map(\.inFlight) == [0, 0])
            #expect(traffic.map(\.failures) == [0, 0])
        }
        for stub in stubs { await stub.stop() }
    }
}

private enum StableHashOf {
    static func key(_ number: Int) -> UInt64 { UInt64(number) &* 0x9E37_79B9_7F4A_7C15 }
}

private func version(_ text: String) throws -> ModelVersion { try #require(ModelVersion(text)) }

private func pointers(
    latest: String? = nil,
    split: [String: Int] = [:],
    aliases: [String: String] = [:]
) throws -> ModelPointers {
    var pointers = ModelPointers(latest: try latest.map { try version($0) })
    for (name, share) in split { pointers.split[try version(name)] = share }
    for (alias, name) in aliases { pointers.aliases[try version(alias)] = try version(name) }
    return pointers
}

private func table(_ pointers: ModelPointers) throws -> RoutingTable {
    var tickets: [RoutePool.Key: TicketSource] = [:]
    return try table(pointers, tickets: &tickets)
}

/// Three versions with a service each.
private func table(
    _ pointers: ModelPointers,
    tickets: inout [RoutePool.Key: TicketSource]
) throws -> RoutingTable {
    let names: [String] = ["v1", "v2", "v3"]
    let services = try names.enumerated().map { place, name in
        Service(
            definition: try Setting.service("s\(name)", at: "http://127.0.0.1:1", version: name),
            source: .api,
            registeredAt: Timestamp(milliseconds: 0),
            registeredEpoch: Epoch(Int64(place)),
            epoch: Epoch(1)
        )
    }
    let type = try #require(ModelType("LSTM"))
    let snapshot = RegistrySnapshot(epoch: Epoch(1), services: services, pointers: [type: pointers])
    var kept = tickets
    let parts = RoutingTable.Parts(
        upstream: { Upstream(key: $0, origin: $1, policy: .init(), laneCount: 1) },
        tickets: { key in
            let source =
                kept[key] ?? TicketSource(name: key.name, desk: TicketDesk(localStart: 0, bell: ReserverBell()))
            kept[key] = source
            return source
        },
        meter: { VersionMeter(key: $0, laneCount: 1) }
    )
    var step = RoutingTable.Step()
    let table = RoutingTable(snapshot, strategy: .roundRobin, step: &step, parts)
    tickets = kept
    return table
}

/// The version whose pool a body is planned into.
private func plan(
    _ body: String,
    _ table: RoutingTable,
    _ capability: RoutePool.Capability = .prediction,
    hashKey: UInt64? = nil
) throws -> String {
    var options = ExchangeOptions()
    options.hashKey = hashKey
    return try Array(body.utf8).withUnsafeBytes { bytes in
        try #require(try RequestPlan.pool(of: bytes, capability, for: options, in: table)).key.version.text
    }
}

private func refusal(of body: String, _ table: RoutingTable) throws -> Problem.Code? {
    do {
        _ = try plan(body, table)
        return nil
    } catch {
        return (error as? Refusal)?.problem.code
    }
}
