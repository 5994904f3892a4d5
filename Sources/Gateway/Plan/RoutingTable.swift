internal import Registry

/// A snapshot made ready for the request path: model, version or alias, and capability to a pool, by bytes.
///
/// Immutable; built once per snapshot, used by every loop. Requests in flight keep the table they began with.
final class RoutingTable: Sendable {
    /// One version of a model, with a pool for each capability that any of its services offers. Services of one pool
    /// speak one protocol; a caller gets those that speak his, and others, by translation, only when there are none.
    struct Version: Sendable {
        let name: ModelVersion
        let prediction: RoutePool?
        let inference: RoutePool?
        let training: RoutePool?

        @inline(__always)
        func pool(_ capability: RoutePool.Capability) -> RoutePool? {
            switch capability {
            case .prediction: self.prediction ?? self.inference
            case .inference: self.inference ?? self.prediction
            case .training: self.training
            }
        }
    }

    final class Route: Sendable {
        let type: ModelType
        /// Nil when `latest` names a version that no service has (any more).
        let latest: Version?
        let latestName: ModelVersion
        /// By version and by alias. Nil: it is known, and nothing takes requests for it now.
        let versions: ByteTable<Version?>
        /// Which versions share the predictions that name none; nil: all go to `latest`.
        let split: VersionSplit?

        init(
            type: ModelType,
            latest: Version?,
            latestName: ModelVersion,
            versions: ByteTable<Version?>,
            split: VersionSplit?
        ) {
            self.type = type
            self.latest = latest
            self.latestName = latestName
            self.versions = versions
            self.split = split
        }
    }

    let snapshot: RegistrySnapshot
    let pools: [RoutePool]
    /// Room that the longest request line with its host needs.
    let headroomBytes: Int
    let forwardsAuthorization: Bool
    private let routes: ByteTable<Route>
    /// By the place of the pool whose requests are copied; empty when none are.
    private let shadows: [ShadowRoute?]

    /// What a table is made of that outlives snapshots.
    struct Parts {
        /// The one object of an instance, and what the instance is called.
        var upstream: (InstanceKey, ServiceURL) -> Upstream
        /// The one cursor of a pool; of a model type's split under the version `latest`.
        var tickets: (RoutePool.Key) -> TicketSource
        /// The one meter of a version.
        var meter: (VersionMeter.Key) -> VersionMeter
    }

    init(_ snapshot: RegistrySnapshot, strategy: BalanceStrategy, _ parts: Parts) {
        var builder = Builder(snapshot: snapshot, strategy: strategy, parts: parts)
        let routes = snapshot.models.map { type, model in (key: type.text, value: builder.route(type, model)) }
        self.snapshot = snapshot
        self.routes = ByteTable(routes)
        self.pools = builder.pools
        self.shadows = builder.shadows
        self.headroomBytes = builder.pools.reduce(0) { most, pool in
            pool.members.reduce(most) { max($0, $1.requestHeadBytesMax) }
        }
        self.forwardsAuthorization = builder.pools.contains { $0.forwardsAuthorization }
    }

    @inline(__always)
    func route(_ modelType: UnsafeRawBufferPointer) -> Route? { self.routes.find(modelType) }

    var hasShadows: Bool { !self.shadows.isEmpty }

    /// Where copies of the pool's requests go.
    func shadow(of pool: RoutePool) -> ShadowRoute? {
        pool.index < self.shadows.count ? self.shadows[pool.index] : nil
    }

    /// Builds pools and numbers them.
    private struct Builder {
        let snapshot: RegistrySnapshot
        let strategy: BalanceStrategy
        let parts: Parts
        var pools: [RoutePool] = []
        var shadows: [ShadowRoute?] = []

        mutating func route(_ type: ModelType, _ model: Model) -> Route {
            var versions: [ModelVersion: Version] = [:]
            for (name, ids) in model.versions {
                let services = ids.compactMap { self.snapshot[$0] }
                versions[name] = Version(
                    name: name,
                    prediction: self.pool(.prediction, of: name, type, services),
                    inference: self.pool(.inference, of: name, type, services),
                    training: self.pool(.training, of: name, type, services)
                )
            }
            let admitted = versions.filter { model.admits($0.key) }
            self.addShadow(model, admitted)
            return Route(
                type: type,
                latest: admitted[model.latest],
                latestName: model.latest,
                versions: ByteTable(Self.names(of: model, admitted)),
                split: self.split(type, model, admitted)
            )
        }

        /// The versions that callers get without naming one are copied, but for the shadow itself.
        private mutating func addShadow(_ model: Model, _ admitted: [ModelVersion: Version]) {
            guard let shadow = model.pointers.shadow, let copies = admitted[shadow.version] else { return }
            for version in model.traffic.keys where version != shadow.version {
                for copied in [admitted[version]?.prediction, admitted[version]?.inference] {
                    guard let copied, let pool = copies.pool(copied.key.capability) else { continue }
                    self.shadows += Array(repeating: nil, count: max(0, copied.index + 1 - self.shadows.count))
                    self.shadows[copied.index] = ShadowRoute(pool: pool, shadow: shadow)
                }
            }
        }

        /// What requests may call the versions. A retired one is not known any more.
        private static func names(of model: Model, _ admitted: [ModelVersion: Version]) -> [(
            key: String, value: Version?
        )] {
            let known = model.knownVersions.filter { model.pointers.notes[$0]?.state != .retired }
            var named: [(key: String, value: Version?)] = known.map { ($0.text, admitted[$0]) }
            for (alias, target) in model.aliases where !known.contains(alias) {
                named.append((alias.text, admitted[target]))
            }
            return named
        }

        /// A version that nothing serves gets no share: its requests go to the others in proportion.
        private func split(_ type: ModelType, _ model: Model, _ admitted: [ModelVersion: Version]) -> VersionSplit? {
            let shares = model.pointers.split.compactMap { name, share in
                admitted[name].flatMap { $0.pool(.prediction) == nil ? nil : (version: $0, share: share) }
            }
            let key = RoutePool.Key(modelType: type, version: .latest, capability: .prediction)
            return shares.isEmpty ? nil : VersionSplit(shares, tickets: self.parts.tickets(key))
        }

        /// Nil when no service offers the capability.
        private mutating func pool(
            _ capability: RoutePool.Capability,
            of version: ModelVersion,
            _ type: ModelType,
            _ services: [Service]
        ) -> RoutePool? {
            let offering = services.filter { capability.isOffered(by: $0.definition) }
            guard !offering.isEmpty else { return nil }
            let key = RoutePool.Key(modelType: type, version: version, capability: capability)
            let members = offering.flatMap { service in
                service.instances.map { instance in
                    let upstream = self.parts.upstream(instance, service.origin(of: instance))
                    return RouteMember(upstream: upstream, definition: service.definition, version: version)
                }
            }
            let pool = RoutePool(
                key: key,
                index: self.pools.count,
                members: members,
                strategy: self.strategy,
                tickets: self.parts.tickets(key),
                meter: self.parts.meter(VersionMeter.Key(modelType: key.modelType, version: key.version))
            )
            self.pools.append(pool)
            return pool
        }
    }
}
