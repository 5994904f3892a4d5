internal import ClusterState
internal import Decisions
internal import Gateway
public import Logging
internal import Registry
public import ServiceLifecycle

/// Retires versions while this replica leads: waits until no replica holds a request of a draining one, asks its
/// services to unload it, and writes down what became of that.
///
/// Asking twice to unload does no harm, so a leader that dies in the middle is simply followed by another one.
public final class RetirementLoop: ServiceLifecycle.Service {
    private let parts: LeaderParts
    private let port: any TrafficPort
    private let logger: Logger

    private static let tick = Duration.milliseconds(250)
    private static let unloadTimeout = Duration.seconds(10)

    /// One version to retire, and the epoch from which on a replica's word counts.
    private struct Retirement {
        let type: ModelType
        let version: ModelVersion
        let note: VersionNote
        let seen: Epoch
    }

    public init(parts: LeaderParts, port: any TrafficPort, logger: Logger) {
        self.parts = parts
        self.port = port
        self.logger = logger
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            // The epoch at which this leader first saw a version drain.
            var seen: [String: Epoch] = [:]
            await self.parts.loop(every: Self.tick).run(while: self.isBusy) { term in
                await self.turn(&seen, term)
            }
        }
    }

    private func isBusy() -> Bool {
        self.parts.holder.current.models.values.contains { model in
            model.pointers.notes.values.contains { $0.state == .draining }
        }
    }

    private func turn(_ seen: inout [String: Epoch], _ term: Term) async {
        let snapshot = self.parts.holder.current
        var draining: [String: Epoch] = [:]
        for (type, model) in snapshot.models {
            for (version, note) in model.pointers.notes where note.state == .draining {
                let name = "\(type)@\(version)"
                let since = seen[name] ?? snapshot.epoch
                draining[name] = since
                await self.step(Retirement(type: type, version: version, note: note, seen: since), snapshot, term)
            }
        }
        seen = draining
    }

    private func step(_ retirement: Retirement, _ snapshot: RegistrySnapshot, _ term: Term) async {
        do throws(StateError) {
            let (type, version) = (retirement.type, retirement.version)
            let sight = try await self.parts.state.traffic(of: type, [version])
            let holders = sight.holders.map {
                RetirementMachine.Holder(replica: $0.replica, epoch: $0.epoch, inFlight: $0.inFlight[version] ?? 0)
            }
            let action = RetirementMachine.decide(
                holders,
                since: retirement.seen,
                leaseClock: sight.leaseClock,
                deadline: retirement.note.until
            )
            guard case .unload(let left) = action else { return }
            let outcome = await self.unload(retirement, snapshot)
            let cut = left == 0 ? "" : "\(left) requests were still in flight; "
            await self.parts.settle(
                try await self.parts.state.markVersion(
                    version,
                    of: type,
                    from: .draining,
                    to: .retired,
                    why: cut + outcome,
                    term: term,
                    floor: snapshot.epoch
                )
            )
        } catch {
            self.logger.debug("a retirement has to wait", metadata: ["mm.error": "\(error)"])
        }
    }

    /// Asks every service of the version to unload it; a sentence about each.
    private func unload(_ retirement: Retirement, _ snapshot: RegistrySnapshot) async -> String {
        let ids = snapshot.models[retirement.type]?.versions[retirement.version] ?? []
        var outcomes: [String] = []
        for service in ids.compactMap({ snapshot[$0] }) {
            let others = Self.others(than: retirement, at: service, snapshot)
            outcomes.append(
                "\(service.id) \(await self.unload(retirement.version, at: service.definition, others: others))"
            )
        }
        return outcomes.isEmpty ? "no service had it" : outcomes.joined(separator: ", ")
    }

    /// The versions that the service's address has beside the one that retires, the one that callers get first.
    private static func others(than retirement: Retirement, at service: Registry.Service, _ snapshot: RegistrySnapshot)
        -> [ModelVersion]
    {
        guard let model = snapshot.models[retirement.type] else { return [] }
        let there = model.versions.filter { version, ids in
            let isThere = ids.contains { snapshot[$0]?.definition.url == service.definition.url }
            return version != retirement.version && isThere
                && model.pointers.notes[version]?.state != .retired
        }
        return there.keys.sorted { ($0 == model.latest ? 0 : 1, $0) < ($1 == model.latest ? 0 : 1, $1) }
    }

    private func unload(_ version: ModelVersion, at service: ServiceDefinition, others: [ModelVersion]) async -> String
    {
        let requests: [LoadRequest]
        switch LoadDialect.unload(version, at: service, others: others) {
        case .success(let unload): requests = unload
        case .failure(let reason): return reason.text
        }
        do throws(UpstreamFailure) {
            var status = 0
            for request in requests {
                status = try await self.port.call(UpstreamCall(request, timeout: Self.unloadTimeout)).status
            }
            return LoadDialect.unloaded(status, by: service)
        } catch {
            return "could not be asked: \(error.kind.rawValue)"
        }
    }
}
