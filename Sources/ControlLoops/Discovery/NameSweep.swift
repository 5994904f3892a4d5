internal import ClusterState
internal import Gateway
internal import Registry

/// Resolves the names of all services with `discovery: dns` and stores what changed.
///
/// A name that cannot be resolved now, or that stands for nothing, keeps its addresses: a resolver that fails says
/// nothing about instances. Probes and breakers keep traffic off those that are really gone.
struct NameSweep: Sendable {
    let store: SweepStore
    let port: any DiscoveryPort

    static let lookupsAtOnceMax = 8
    static let lookupTimeout: Duration = .seconds(5)

    func run(_ term: Term) async throws -> SourceReport {
        let services = self.store.snapshot().services.filter { $0.definition.discovery == .dns }
        return try await SweepGroup.run(services, atOnce: Self.lookupsAtOnceMax, SourceReport(.names)) {
            try await self.resolve($0, term)
        }
    }

    private func resolve(_ service: Service, _ term: Term) async throws -> SourceReport {
        var report = SourceReport(.names)
        let url = service.definition.url
        let addresses: [InstanceAddress]
        do throws(UpstreamFailure) {
            addresses = try await self.port.addresses(of: url, within: Self.lookupTimeout)
        } catch {
            report.fail(service.id.text, error.detail)
            return report
        }
        let resolution = Resolution(url: url, addresses: addresses)
        report.found = resolution.addresses.count
        guard service.resolution != resolution else { return report }
        do throws(StateError) {
            let state = self.store.state.leading(under: term)
            let reply = try await state.storeResolution(resolution, of: service.id, floor: self.store.floor())
            report.note(self.store.note(reply))
        } catch {
            guard error.code != .deposed else { throw error }
            report.fail(service.id.text, error.message)
        }
        return report
    }
}
