import ClusterState
import ManagerTesting
import RedisClient
import Registry
import Testing

@Suite struct `The cluster state` {
    @Test func `stores what is registered and gives it back whole`() async throws {
        try await withState { state in
            let definition = try Samples.definition("a", everything: true)
            let first = try await state.register(definition, source: .api, floor: .zero)
            #expect(first.change == .created)
            #expect(first.service.definition == definition)
            #expect(first.service.epoch == first.epoch)
            #expect(first.entry?.previous == .zero)
            #expect(try await state.service(definition.id) == first.service)
            let again = try await state.register(definition, source: .api, floor: .zero)
            #expect((again.change, again.epoch, again.entry) == (.same, first.epoch, nil))
            #expect(try await state.service(try Samples.id("b")) == nil)
        }
    }

    @Test func `takes away what a registration no longer says`() async throws {
        try await withState { state in
            _ = try await state.register(try Samples.definition("a", everything: true), source: .api, floor: .zero)
            let plain = try Samples.definition("a")
            let changed = try await state.register(plain, source: .file, floor: .zero)
            #expect((changed.change, changed.service.definition, changed.service.source) == (.changed, plain, .file))
        }
    }

    @Test func `changes some fields, drains and removes`() async throws {
        try await withState { state in
            let id = try Samples.id("a")
            let first = try await state.register(
                try Samples.definition("a", everything: true),
                source: .api,
                floor: .zero
            )
            var change = ServicePatch()
            (change.weight, change.metadata) = (9, [:])
            (change.timeout, change.concurrentRequestsMax) = (.some(nil), .some(3))
            let patched = try await state.patch(id, change, floor: .zero, expecting: .epoch(first.epoch))
            var expected = first.service.definition
            (expected.weight, expected.metadata, expected.timeout, expected.concurrentRequestsMax) = (9, [:], nil, 3)
            #expect(patched.service.definition == expected)
            let drained = try await state.drain(id, true, floor: .zero)
            #expect(drained.service.isDraining)
            #expect(drained.entry?.previous == patched.epoch)
            let removed = try await state.remove(id, floor: .zero)
            #expect(removed.entry.previous == drained.epoch)
            #expect(try await state.service(id) == nil)
        }
    }

    @Test func `says what kept it from a change`() async throws {
        try await withState { state in
            let id = try Samples.id("a")
            func code(_ body: () async throws -> Void) async -> StateError.Code? {
                do { try await body() } catch { return (error as? StateError)?.code }
                return nil
            }
            let absent = await code { _ = try await state.remove(id, floor: .zero) }
            #expect(absent == .notFound)
            let silent = await code { _ = try await state.heartbeat(id) }
            #expect(silent == .notFound)
            var definition = try Samples.definition("a")
            _ = try await state.register(definition, source: .api, floor: .zero)
            let taken = definition
            let second = await code {
                _ = try await state.register(taken, source: .api, floor: .zero, expecting: .absent)
            }
            #expect(second == .conflict)
            definition.capabilities = ["a,b"]
            let unfit = definition
            let refused = await code { _ = try await state.register(unfit, source: .api, floor: .zero) }
            #expect(refused == .invalid)
            let nowhere = await code { _ = try await state.events(after: "x y", limit: 1) }
            #expect(nowhere == .invalid)
        }
    }

    @Test func `is unavailable without Redis, and knows that nothing was changed`() async throws {
        let fixture = try await RedisFixture.start()
        try await fixture.withClient(library: ClusterState.library) { redis in
            let state = ClusterState(redis: redis, namespace: "gone")
            await fixture.stop()
            #expect(try await eventually(within: .seconds(5)) { !redis.state.isConnected })
            let definition = try Samples.definition("a")
            let error = await #expect(throws: StateError.self) {
                try await state.register(definition, source: .api, floor: .zero)
            }
            #expect(error?.code == .unavailable)
            #expect(error?.isOutcomeUnknown == false)
        }
    }

    @Test func `keeps a lease alive by heartbeats`() async throws {
        try await withState { state in
            var definition = try Samples.definition("a")
            _ = try await state.register(definition, source: .api, floor: .zero)
            #expect(try await state.heartbeat(definition.id) == .unlimited)
            definition.lease = .milliseconds(100)
            _ = try await state.register(definition, source: .api, floor: .zero)
            #expect(try await state.heartbeat(definition.id) == .renewed(.milliseconds(100)))
            let gone = try Samples.id("a")
            #expect(try await eventually(within: .seconds(5)) { try await state.expire() == [gone] })
        }
    }

    @Test func `reads changes as they happen and as they happened`() async throws {
        try await withState { state in
            let generation = try await state.open(heirOf: .none)
            let first = try await state.register(
                try Samples.definition("a", everything: true),
                source: .api,
                floor: .zero
            )
            let second = try await state.remove(first.service.id, floor: .zero)
            guard case .delta(let head, let entries) = try await state.sync(generation: generation, since: first.epoch)
            else {
                Issue.record("no delta")
                return
            }
            #expect(entries == [second.entry])
            #expect((head.epoch, head.digest) == (second.epoch, RegistryDigest()))
            let fixture = try await RedisFixture.shared()
            try await fixture.withClient(purpose: .blockingReads) { redis in
                let feed = ChangeFeed(redis: redis, namespace: state.keys.namespace)
                #expect(try await feed.entries(after: .zero, within: .seconds(1)) == [first.entry, second.entry])
                #expect(try await feed.entries(after: second.epoch, within: .milliseconds(20)).isEmpty)
                async let next = feed.entries(after: second.epoch, within: .seconds(5))
                let third = try await state.register(try Samples.definition("b"), source: .file, floor: .zero)
                #expect(try await next == [third.entry])
            }
        }
    }

    @Test func `reads everything in pages`() async throws {
        try await withState { state in
            #expect(try await state.page(.start) == nil)
            var services: [ServiceID: Service] = [:]
            for number in 0..<450 {
                let committed = try await state.register(
                    try Samples.definition("s\(number)"),
                    source: .api,
                    floor: .zero
                )
                services[committed.service.id] = committed.service
            }
            var (cursor, pages) = (Optional(PageCursor.start), 0)
            while let place = cursor {
                let page = try #require(try await state.page(place))
                for record in page.records {
                    guard case .service(let service, _) = record.content else { continue }
                    #expect(services.removeValue(forKey: service.id) == service)
                }
                (cursor, pages) = (page.next, pages + 1)
            }
            #expect(services.isEmpty)
            #expect(pages == 4, "three pages of services and one of models")
        }
    }

    @Test func `takes back what another data set knew`() async throws {
        try await withState { state in
            let committed = try await state.register(
                try Samples.definition("a", everything: true),
                source: .api,
                floor: .zero
            )
            let record = try #require(committed.entry?.record)
            try await withState { empty in
                let generation = try await empty.open(heirOf: .none)
                func restore(
                    _ record: RegistryRecord,
                    _ generation: Generation = generation
                ) async throws -> Restoration? {
                    try await empty.restore([record], generation: generation, floor: .zero).first?.result
                }
                #expect(try await restore(record) == .restored)
                #expect(try await restore(record) == .same)
                #expect(try await empty.service(committed.service.id) == committed.service)
                #expect(try await restore(record, Generation.none) == .foreign)
                let model = RegistryRecord(key: RecordKey(.model, "LSTM"), stamp: Epoch(9), fields: ["latest": "v2"])
                #expect(try await restore(model) == .restored)
                let page = try await empty.page(PageCursor(kind: .model, stamp: .zero, id: ""))
                #expect(page?.records.map(\.stamp) == [Epoch(9)])
                #expect(page?.next == nil)
            }
        }
    }

    @Test func `remembers the services file and the events`() async throws {
        try await withState { state in
            #expect(try await state.appliedFile().isEmpty)
            try await state.setAppliedFile(["a": "1", "b": "2"])
            try await state.setAppliedFile(["b": "3"])
            #expect(try await state.appliedFile() == ["b": "3"])
            let definition = try Samples.definition("a")
            let epoch = try await state.register(definition, source: .api, floor: .zero, by: "alice").epoch
            _ = try await state.remove(definition.id, floor: .zero)
            let events = try await state.events(limit: 10)
            #expect(
                events.map { "\($0.actor) \($0.kind) \($0.subject)" } == ["alice registered a", "tester removed a"]
            )
            #expect(events[0].epoch == epoch)
            #expect(try await state.events(after: events[0].id, limit: 10) == [events[1]])
            #expect(try await state.events(after: "0", limit: 1) == [events[0]], "from the oldest")
            #expect(try await state.events(limit: 1) == [events[1]], "the newest")
        }
    }
}
