internal import ClusterState
internal import Decisions
internal import Registry

/// Looks at every seed, registers what is seen there, and removes what is seen no more.
///
/// Where somebody registered a service at the same host and port, introspection keeps silent: what people say goes
/// before what is seen.
actor SeedSweep {
    private let seeds: [DiscoverySeed]
    private let store: SweepStore
    private let look: SeedLook
    private var ledger = SeedLedger()
    private var seen: Set<ServiceID> = []

    static let looksAtOnceMax = 8

    init(_ seeds: [DiscoverySeed], store: SweepStore, look: SeedLook) {
        self.seeds = seeds
        self.store = store
        self.look = look
    }

    func run(_ term: Term) async throws -> SourceReport {
        self.seen = []
        var report = try await SweepGroup.run(self.seeds, atOnce: Self.looksAtOnceMax, SourceReport(.seeds)) {
            try await self.sweep($0, term)
        }
        try await self.settle(term, &report)
        return report
    }

    private func sweep(_ seed: DiscoverySeed, _ term: Term) async throws -> SourceReport {
        var report = SourceReport(.seeds)
        guard !self.claimed.contains(Self.place(seed.url)) else { return report }
        switch await self.look.look(at: seed) {
        case .nothing(let reason): report.fail(seed.description, reason)
        case .seen(let sightings):
            report.found = sightings.count
            for sighting in sightings { try await self.register(sighting, term, &report) }
        }
        return report
    }

    private func register(_ sighting: SeedSighting, _ term: Term, _ report: inout SourceReport) async throws {
        self.seen.insert(sighting.definition.id)
        do throws(StateError) {
            let reply = try await self.store.state.leading(under: term).registerSeen(
                sighting.definition,
                source: sighting.source,
                fingerprint: sighting.fingerprint,
                floor: self.store.floor()
            )
            report.note(self.store.note(reply))
        } catch {
            guard error.code == .invalid else { throw error }
            report.fail(sighting.definition.id.text, error.message)
        }
    }

    private func settle(_ term: Term, _ report: inout SourceReport) async throws {
        let (listed, claimed) = (Set(self.seeds.map(\.description)), self.claimed)
        let own = self.store.snapshot().services.filter { $0.isSeen }
        let known = own.map { service in
            let seed = service.definition.metadata[SeedSighting.seedKey] ?? ""
            let isListed = listed.contains(seed) && !claimed.contains(Self.place(service.definition.url))
            return SeedLedger.Known(id: service.id, isListed: isListed)
        }
        let action = self.ledger.settle(known: known, seen: self.seen)
        for service in own where action.remove.contains(service.id) {
            let state = self.store.state.leading(under: term)
            let reply = try await state.removeUnseen(service.id, source: service.source, floor: self.store.floor())
            report.note(self.store.note(reply))
        }
        if !action.keep.isEmpty { report.fail("all seeds", "\(action.keep.count) services silent at once: kept") }
    }

    /// Hosts and ports of services that people or documents registered.
    private var claimed: Set<String> {
        Set(self.store.snapshot().services.filter { !$0.isSeen }.map { Self.place($0.definition.url) })
    }

    private static func place(_ url: ServiceURL) -> String {
        InstanceAddress(host: url.host, port: url.port).description
    }
}

extension Service {
    /// Found by introspection.
    fileprivate var isSeen: Bool { self.source == .probe || self.source == .dns }
}
