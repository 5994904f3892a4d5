internal import ClusterState
internal import Decisions
internal import Registry

/// Applies what catalogues say, one after the other in the order of the settings.
///
/// What of each is applied stands in the store, so that any leader goes on where the last one was. A catalogue that is
/// away, or broken, changes nothing; one that is no longer configured takes its services with it.
actor CatalogueSweep {
    private let store: SweepStore
    private var readers: [CatalogueReader]
    /// Sweeps in a row in which a catalogue was doubted.
    private var doubts: [String: Int] = [:]

    init(_ catalogues: [CatalogueURL], store: SweepStore, port: any DiscoveryPort) {
        self.store = store
        self.readers = catalogues.map { CatalogueReader($0, port: port) }
    }

    func run(_ term: Term) async throws -> SourceReport {
        var report = SourceReport(.catalogues)
        let problems = await self.read()
        for (reader, problem) in zip(self.readers, problems) {
            let url = reader.catalogue.description
            guard problem == nil, let entries = reader.entries else {
                report.fail(url, problem ?? "says nothing")
                continue
            }
            report.found += entries.count
            try await self.apply(entries, of: url, term, &report)
        }
        let configured = Set(self.readers.map(\.catalogue.description))
        for url in try await self.store.state.appliedCatalogues() where !configured.contains(url) {
            self.doubts[url] = CatalogueReconciliation.doubtsMax
            try await self.apply([], of: url, term, &report)
        }
        return report
    }

    /// All at once; each is bounded in time. Problems in the order of the readers.
    private func read() async -> [String?] {
        let readers = self.readers
        let done = await withTaskGroup(of: (Int, CatalogueReader, String?).self) { group in
            for (place, reader) in readers.enumerated() {
                group.addTask {
                    var reader = reader
                    let problem = await reader.read()
                    return (place, reader, problem)
                }
            }
            return await group.reduce(into: []) { $0.append($1) }.sorted { $0.0 < $1.0 }
        }
        self.readers = done.map(\.1)
        return done.map(\.2)
    }

    private func apply(
        _ entries: [FileReconciliation.Entry],
        of url: String,
        _ term: Term,
        _ report: inout SourceReport
    ) async throws {
        let state = self.store.state
        var applied = try await state.appliedCatalogue(url)
        let others = try await self.others(than: url)
        let doubts = self.doubts[url] ?? 0
        let work = CatalogueReconciliation(applied: applied, entries: entries, others: others, doubts: doubts)
        self.doubts[url] = work.doubted.isEmpty ? nil : doubts + 1
        for id in work.taken { report.fail(url, "\(id) is another document's") }
        if !work.doubted.isEmpty { report.fail(url, "lost \(work.doubted.count) entries at once: doubted") }
        let before = applied
        for id in work.forget { applied[id] = nil }
        let leading = state.leading(under: term)
        let failure = await self.carryOut(work, of: url, leading, &applied, &report)
        if applied != before, failure?.code != .deposed { try await leading.setAppliedCatalogue(url, applied) }
        if let failure { throw failure }
    }

    /// Stops at the first command that cannot be done now, and hands back why; `applied` says what is done.
    private func carryOut(
        _ work: CatalogueReconciliation,
        of url: String,
        _ state: ClusterState,
        _ applied: inout [String: String],
        _ report: inout SourceReport
    ) async -> StateError? {
        for entry in work.register {
            let id = entry.definition.id.text
            do throws(StateError) {
                let floor = self.store.floor()
                report.note(self.store.note(try await state.register(entry.definition, source: .file, floor: floor)))
            } catch {
                guard error.code == .invalid else { return error }
                report.fail(url, "\(id): \(error.message)")
            }
            applied[id] = entry.fingerprint
        }
        for name in work.remove {
            do throws(StateError) {
                if let id = ServiceID(name) { try await self.remove(id, state, &report) }
            } catch {
                let isNoLongerOurs = error.code == .notFound || error.code == .conflict
                guard isNoLongerOurs else { return error }
            }
            applied[name] = nil
        }
        return nil
    }

    private func remove(_ id: ServiceID, _ state: ClusterState, _ report: inout SourceReport) async throws(StateError) {
        let removed = try await state.remove(id, floor: self.store.floor(), ifSource: .file)
        report.note(self.store.note(SightingReply.done(removed)))
    }

    /// Ids that the services file and other catalogues brought.
    private func others(than url: String) async throws -> Set<String> {
        var ids = Set(try await self.store.state.appliedFile().keys)
        for other in try await self.store.state.appliedCatalogues() where other != url {
            ids.formUnion(try await self.store.state.appliedCatalogue(other).keys)
        }
        return ids
    }
}
