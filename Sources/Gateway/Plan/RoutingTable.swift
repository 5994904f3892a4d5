internal import Registry

/// A snapshot made ready for the request path: model, version or alias, and capability to a pool, by bytes.
///
/// Immutable; built once per snapshot, used by every loop. Requests in flight keep the table they began with.
final class RoutingTable: Sendable {
    /// One version of a model, with a pool for each capability that any of its services offers.
    struct Version: Sendable {
        let name: ModelVersion
        let prediction: RoutePool?
        let training: RoutePool?

        @inline(__always)
        func pool(_ capability: RoutePool.Capability) -> RoutePool? {
            capability == .prediction ? self.prediction : self.training
        }
    }

    final class Route: Sendable {
        let type: ModelType
        /// Nil when `latest` names a version that no service has (any more).
        let latest: Version?
        let latestName: ModelVersion
        /// By version and by alias. Nil: an alias of a version that no service has.
        let versions: ByteTable<Version?>

        init(type: ModelType, latest: Version?, latestName: ModelVersion, versions: ByteTable<Version?>) {
            self.type = type
            self.latest = latest
            self.latestName = latestName
            self.versions = versions
        }
    }

    let snapshot: RegistrySnapshot
    let pools: [RoutePool]
    /// Room that the longest request line with its host needs.
    let headroomBytes: Int
    let forwardsAuthorization: Bool
    private let routes: ByteTable<Route>

    /// `upstream` gives the one object of an instance and `tickets` the one cursor of a pool; both outlive snapshots.
    init(
        _ snapshot: RegistrySnapshot,
        strategy: BalanceStrategy,
        upstream: (InstanceKey) -> Upstream,
        tickets: (RoutePool.Key) -> TicketSource
    ) {
        var builder = Builder(snapshot: snapshot, strategy: strategy)
        let routes = snapshot.models.map { type, model in
            (key: type.text, value: builder.route(type, model, upstream: upstream, tickets: tickets))
        }
        self.snapshot = snapshot
        self.routes = ByteTable(routes)
        self.pools = builder.pools
        self.headroomBytes = builder.pools.reduce(0) { most, pool in
            pool.members.reduce(most) { max($0, $1.upstream.requestHeadBytesMax) }
        }
        self.forwardsAuthorization = builder.pools.contains { $0.forwardsAuthorization }
    }

    @inline(__always)
    func route(_ modelType: UnsafeRawBufferPointer) -> Route? { self.routes.find(modelType) }

    /// Builds pools and numbers them.
    private struct Builder {
        let snapshot: RegistrySnapshot
        let strategy: BalanceStrategy
        var pools: [RoutePool] = []

        mutating func route(
            _ type: ModelType,
            _ model: Model,
            upstream: (InstanceKey) -> Upstream,
            tickets: (RoutePool.Key) -> TicketSource
        ) -> Route {
            var versions: [ModelVersion: Version] = [:]
            for (name, ids) in model.versions {
                let services = ids.compactMap { self.snapshot[$0] }
                let pools = RoutePool.Capability.allCases.map { capability in
                    let key = RoutePool.Key(modelType: type, version: name, capability: capability)
                    return self.pool(key, services, upstream: upstream, tickets: tickets)
                }
                versions[name] = Version(name: name, prediction: pools[0], training: pools[1])
            }
            var named: [(key: String, value: Version?)] = versions.map { ($0.key.text, $0.value) }
            for (alias, target) in model.aliases where versions[alias] == nil {
                named.append((alias.text, versions[target]))
            }
            return Route(
                type: type,
                latest: versions[model.latest],
                latestName: model.latest,
                versions: ByteTable(named)
            )
        }

        /// Nil when no service offers the capability.
        private mutating func pool(
            _ key: RoutePool.Key,
            _ services: [Service],
            upstream: (InstanceKey) -> Upstream,
            tickets: (RoutePool.Key) -> TicketSource
        ) -> RoutePool? {
            let offering = services.filter { $0.definition.offers(key.capability.rawValue) }
            guard !offering.isEmpty else { return nil }
            let members = offering.map { service in
                let instance = InstanceKey(service: service.id, url: service.definition.url)
                return RouteMember(upstream: upstream(instance), definition: service.definition)
            }
            let pool = RoutePool(
                key: key,
                index: self.pools.count,
                members: members,
                strategy: self.strategy,
                tickets: tickets(key)
            )
            self.pools.append(pool)
            return pool
        }
    }
}
