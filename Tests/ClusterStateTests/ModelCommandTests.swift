import ClusterState
import ManagerTesting
import Registry
import Testing

/// Orders about models, typed, on a real Redis.
@Suite struct `Orders about models` {
    @Test func `change the record that every replica reads`() async throws {
        try await withState { state in
            try await offer("v1", "v2", to: state)
            let type = try #require(ModelType("LSTM"))
            let (one, two) = (try version("v1"), try version("v2"))
            let order = SwitchOrder(version: two, expected: one)
            guard case .changed(let change) = try await state.switchModel(type, to: order, floor: .zero) else {
                throw StateSurprise()
            }
            #expect(change.entry.epoch == change.epoch)
            _ = try await state.pointAlias(try version("stable"), of: type, at: one, floor: .zero)
            let split = [one: 90, two: 10]
            guard case .changed(let last) = try await state.splitTraffic(of: type, split, floor: .zero) else {
                throw StateSurprise()
            }
            guard case .model(_, let pointers, _)? = last.entry.record?.content else { throw StateSurprise() }
            #expect(pointers.latest == two)
            #expect(pointers.history == [one])
            #expect(pointers.aliases == [try version("stable"): one])
            #expect(pointers.split == split)
            #expect(pointers.shadow == nil)
            #expect(pointers.notes[two]?.since != nil)
        }
    }

    @Test func `give back a record as it was, rollout and all`() async throws {
        try await withState { state in
            try await offer("v1", "v2", to: state)
            let type = try #require(ModelType("LSTM"))
            let canary = SwitchOrder.Canary(
                steps: [1, 50, 100],
                interval: .seconds(2),
                errorRateMax: 0.05,
                latencyRatioMax: 2
            )
            let order = SwitchOrder(version: try version("v2"), canary: canary)
            guard case .changed(let change) = try await state.switchModel(type, to: order, floor: .zero),
                let record = change.entry.record, case .model(_, let pointers, _) = record.content
            else { throw StateSurprise() }
            #expect(pointers.rollout?.steps == [1, 50, 100])
            #expect(pointers.rollout?.interval == .seconds(2))
            #expect(pointers.rollout?.errorRateMax == 0.05)
            #expect(pointers.rollout?.latencyRatioMax == 2)
            #expect(pointers.rollout?.share == 1)
            let again = RegistryRecord(key: record.key, stamp: record.stamp, fields: record.fields)
            #expect(again == record)
        }
    }

    @Test func `bring a version to services, and keep what became of it`() async throws {
        try await withState { state in
            try await offer("v1", to: state)
            let type = try #require(ModelType("LSTM"))
            let (two, host) = (try version("v2"), try #require(ServiceID("s-v1")))
            let other = try #require(ServiceID("b"))
            let order = Deployment(services: [host, other], artifact: "x", parameters: ["n": .number(1.5)])
            guard case .changed = try await state.deployVersion(two, of: type, order, floor: .zero) else {
                throw StateSurprise()
            }
            let outcomes = [host: Deployment.Outcome.loaded, other: .failed("a; b\nc = d")]
            var last: ModelReply?
            for id in [host, other] {
                let outcome = try #require(outcomes[id])
                last = try await state.noteDeployment(
                    of: two,
                    type: type,
                    order: order,
                    at: id,
                    outcome,
                    term: .none,
                    floor: .zero
                )
            }
            guard case .changed(let change)? = last, let record = change.entry.record,
                case .model(_, let pointers, _) = record.content
            else { throw StateSurprise() }
            #expect(pointers.hosts == [two: [host]])
            #expect(pointers.deployments[two]?.artifact == "x")
            #expect(pointers.deployments[two]?.parameters == ["n": .number(1.5)])
            #expect(pointers.deployments[two]?.outcomes == [host: .loaded, other: .failed("a, b,c = d")])
            #expect(pointers.deployments[two]?.isUnderWay == false)
            #expect(pointers.notes[two]?.state == nil)
            #expect(RegistryRecord(key: record.key, stamp: record.stamp, fields: record.fields) == record)
        }
    }

    @Test func `say why they are refused`() async throws {
        try await withState { state in
            let type = try #require(ModelType("LSTM"))
            let (one, two) = (try version("v1"), try version("v2"))
            let order = SwitchOrder(version: two, expected: two)
            #expect(try await state.switchModel(type, to: order, floor: .zero) == .refused(.absent))
            try await offer("v1", "v2", to: state)
            #expect(try await state.switchModel(type, to: order, floor: .zero) == .refused(.unexpected(latest: "v1")))
            #expect(try await state.rollBackModel(type, floor: .zero) == .refused(.noHistory))
            let retired = try await state.retireVersion(one, of: type, timeout: .seconds(1), floor: .zero)
            #expect(retired == .refused(.inUse(by: "latest", state: "serving")))
            #expect(
                try await state.pointAlias(two, of: type, at: one, floor: .zero) == .refused(.isVersion)
            )
        }
    }

    @Test func `name a shadow, add up how it compared, and forget that with the next one`() async throws {
        try await withState { state in
            try await offer("v1", "v2", to: state)
            try await Samples.join(state)
            let (type, two) = (try #require(ModelType("LSTM")), try version("v2"))
            let shadow = Shadow(version: two, percent: 25, field: "prediction")
            guard case .changed(let change) = try await state.splitTraffic(of: type, [:], shadow: shadow, floor: .zero),
                case .model(_, let pointers, _)? = change.entry.record?.content
            else { throw StateSurprise() }
            #expect(pointers.shadow == shadow && pointers.split.isEmpty)
            guard case .same = try await state.splitTraffic(of: type, [:], shadow: shadow, floor: .zero) else {
                throw StateSurprise()
            }
            let retiring = try await state.retireVersion(two, of: type, timeout: .zero, floor: .zero)
            #expect(retiring == .refused(.inUse(by: "shadow", state: "ready")))
            var report = VersionTraffic(type: type, version: two)
            (report.shadow.requests, report.shadow.compared, report.shadow.difference) = (3, 2, 0.25)
            #expect(try await state.reportTraffic("r1.a", number: 2, epoch: Epoch(7), [report]) == .counted)
            #expect(try await state.reportTraffic("r1.a", number: 2, epoch: Epoch(7), [report]) == .repeated)
            #expect(try await state.reportTraffic("r2.a", number: 2, epoch: Epoch(7), [report]) == .counted)
            #expect(try await state.shadowFigures(of: type, two) == report.shadow + report.shadow)
            _ = try await state.splitTraffic(of: type, [:], shadow: Shadow(version: two), floor: .zero)
            #expect(try await state.shadowFigures(of: type, two) == ShadowFigures())
        }
    }

    @Test func `know who serves by which epoch, and who holds requests of a version`() async throws {
        try await withState { state in
            try await Samples.join(state)
            #expect(try await state.replicas(behind: Epoch(7)).isEmpty)
            #expect(try await state.replicas(behind: Epoch(8)).map(\.replica) == ["r1", "r2"])
            let type = try #require(ModelType("LSTM"))
            let report = VersionTraffic(
                type: type,
                version: try version("v1"),
                requests: 5,
                failures: 1,
                latencyMicroseconds: 9,
                inFlight: 2
            )
            #expect(try await state.reportTraffic("r2.a", number: 1, epoch: Epoch(6), [report]) == .counted)
            #expect(try await state.reportTraffic("r2.a", number: 1, epoch: Epoch(6), [report]) == .repeated)
            #expect(try await state.reportTraffic("r8.a", number: 1, epoch: Epoch(6), [report]) == .lapsed)
            let sight = try await state.traffic(of: type, [try version("v1")])
            #expect(sight.counts[try version("v1")]?.requests == 5)
            let asked = try (0..<600).map { (type: type, version: try version($0 == 599 ? "v1" : "u\($0)")) }
            let totals = try await state.trafficTotals(of: asked)
            #expect(totals.count == 600 && totals.last?.requests == 5 && totals.first?.requests == 0)
            #expect(totals.first?.lastMilliseconds == 0 && (totals.last?.lastMilliseconds ?? 0) > 1_700_000_000_000)
            #expect(sight.holders.map(\.replica) == ["r1", "r2"])
            #expect(sight.holders.map(\.epoch) == [Epoch(7), Epoch(6)])
            #expect(sight.holders.map { $0.inFlight.values.reduce(0, +) } == [0, 2])
        }
    }
}

private func version(_ text: String) throws -> ModelVersion { try #require(ModelVersion(text)) }

private func offer(_ versions: String..., to state: ClusterState) async throws {
    for text in versions {
        var definition = try Samples.definition("s-\(text)")
        definition.modelType = try #require(ModelType("LSTM"))
        definition.modelVersion = try version(text)
        _ = try await state.register(definition, source: .api, floor: .zero)
    }
}
