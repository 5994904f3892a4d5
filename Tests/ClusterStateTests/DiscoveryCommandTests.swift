import ClusterState
import ManagerTesting
import RedisClient
import Registry
import Testing

@Suite struct `A leader that discovers` {
    static let term = Term(4_000_000_000_000)

    static func see(
        _ state: ClusterState,
        _ fingerprint: String = "1",
        weight: Int = 100
    ) async throws -> SightingReply<Committed> {
        var definition = try Samples.definition("a")
        definition.weight = weight
        let source = Service.Source.probe
        return try await state.registerSeen(
            definition,
            source: source,
            fingerprint: fingerprint,
            floor: .zero
        )
    }

    static func nothing<Done>(_ write: SightingReply<Done>) -> SightingReply<Done>.Reason? {
        if case .nothing(let nothing) = write { nothing } else { nil }
    }

    @Test func `registers what it sees once, and again when it says something new`() async throws {
        try await withState { state in
            guard case .done(let first) = try await Self.see(state) else { throw Surprise() }
            #expect((first.change, first.service.source) == (.created, .probe))
            var patch = ServicePatch()
            patch.weight = 5
            _ = try await state.patch(first.service.id, patch, floor: .zero)
            #expect(Self.nothing(try await Self.see(state)) == .same, "what the API changed holds")
            guard case .done(let second) = try await Self.see(state, "2", weight: 7) else { throw Surprise() }
            #expect((second.change, second.service.definition.weight) == (.changed, 7))
        }
    }

    @Test func `leaves to the API what the API registered`() async throws {
        try await withState { state in
            _ = try await state.register(try Samples.definition("a"), source: .api, floor: .zero)
            #expect(Self.nothing(try await Self.see(state)) == .theirs)
            let id = try Samples.id("a")
            let write = try await state.removeUnseen(id, source: .probe, floor: .zero)
            guard case .nothing(.conflict) = write else { throw Surprise() }
        }
    }

    @Test func `does not bring back what the API removed, unless it says something new`() async throws {
        try await withState { state in
            let id = try Samples.id("a")
            _ = try await Self.see(state)
            _ = try await state.remove(id, floor: .zero)
            for _ in 0..<2 { #expect(Self.nothing(try await Self.see(state)) == .buried) }
            guard case .done(let back) = try await Self.see(state, "2") else { throw Surprise() }
            #expect(back.change == .created)
        }
    }

    @Test func `does not bring back what the API removed when it never saw it before`() async throws {
        try await withState { state in
            _ = try await state.register(try Samples.definition("a"), source: .api, floor: .zero)
            _ = try await state.remove(try Samples.id("a"), floor: .zero)
            #expect(Self.nothing(try await Self.see(state)) == .buried)
        }
    }

    @Test func `brings back what it removed itself as soon as it sees it again`() async throws {
        try await withState { state in
            _ = try await Self.see(state)
            let id = try Samples.id("a")
            let write = try await state.removeUnseen(id, source: .probe, floor: .zero)
            guard case .done(let removed) = write, removed.id == id else { throw Surprise() }
            guard case .done(let back) = try await Self.see(state) else { throw Surprise() }
            #expect(back.change == .created)
        }
    }

    @Test func `writes nothing any more once a newer leader wrote`() async throws {
        try await withState { state in
            let old = state.leading(under: Self.term)
            let id = try Samples.id("a")
            _ = try await Self.see(state.leading(under: Term(Self.term.rawValue + 1)))
            let resolution = Resolution(url: try ServiceURL("http://a.example:8000"), addresses: [])
            let line = SweepRecord.Line(source: "seeds", found: 1, errors: 0)
            let writes: [@Sendable () async throws -> Void] = [
                { _ = try await Self.see(old, "2") },
                { _ = try await old.removeUnseen(id, source: .probe, floor: .zero) },
                { _ = try await old.storeResolution(resolution, of: id, floor: .zero) },
                { try await old.setAppliedCatalogue("http://c", ["a": "1"]) },
                { try await old.storeSweep(SweepRecord(lines: [line], summary: "x")) },
            ]
            for write in writes {
                let error = await #expect(throws: StateError.self) { try await write() }
                #expect(error?.code == .deposed)
            }
            #expect(try await state.service(id)?.source == .probe)
            #expect(try await state.appliedCatalogues() == [])
        }
    }

    @Test func `gives all replicas the addresses of a name, as long as the service has that name`() async throws {
        try await withState { state in
            var definition = try Samples.definition("a")
            definition.discovery = .dns
            let id = definition.id
            _ = try await state.register(definition, source: .api, floor: .zero)
            let addresses = [InstanceAddress(host: "fd00::7", port: 1), InstanceAddress(host: "10.0.0.2", port: 80)]
            let resolution = Resolution(url: definition.url, addresses: addresses)
            guard
                case .done(let stored) = try await state.storeResolution(
                    resolution,
                    of: id,
                    floor: .zero
                )
            else { throw Surprise() }
            #expect(stored.service.instances.map(\.url.description) == ["http://10.0.0.2", "http://[fd00::7]:1"])
            #expect(try await state.service(id)?.resolution == resolution)
            let again = try await state.storeResolution(resolution, of: id, floor: .zero)
            #expect(Self.nothing(again) == .same)
            definition.url = try ServiceURL("http://other.example:8000")
            let moved = try await state.register(definition, source: .api, floor: .zero)
            #expect(moved.service.instances.map(\.url) == [definition.url], "addresses of another name count no more")
            let late = try await state.storeResolution(resolution, of: id, floor: .zero)
            #expect(Self.nothing(late) == .moved)
        }
    }

    @Test func `remembers a catalogue until nothing of it is left`() async throws {
        try await withState { state async throws in
            try await state.setAppliedCatalogue("http://c/x:1", ["a": "1", "b": "2"])
            #expect(try await state.appliedCatalogue("http://c/x:1") == ["a": "1", "b": "2"])
            #expect(try await state.appliedCatalogues() == ["http://c/x:1"])
            try await state.setAppliedCatalogue("http://c/x:1", [:])
            #expect(try await state.appliedCatalogues() == [])
        }
    }

    @Test func `leaves an event of a sweep only when it found something else`() async throws {
        try await withState { state async throws in
            for summary in ["one", "one", "two"] {
                let line = SweepRecord.Line(source: "seeds", found: 1, errors: 2)
                let record = SweepRecord(lines: [line], summary: summary)
                try await state.storeSweep(record)
            }
            let events = try await state.events(limit: 100).filter { $0.kind == "swept" }
            #expect(events.map(\.detail) == ["one", "two"])
        }
    }

    struct Surprise: Error {}
}
