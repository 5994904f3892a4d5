internal import Registry

/// A snapshot made ready for the request path: model, version or alias, and capability to a pool, by bytes.
///
/// Immutable; built once per snapshot, used by every loop. Requests in flight keep the table they began with.
/// A model type of which nothing changed keeps its route, pools included, from the table before: with thousands of them
/// a change costs what it changes, and little is left to free when the last loop drops the old table.
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
        /// All of the model type's, also of versions that nobody may ask for now.
        let pools: [RoutePool]

        init(
            type: ModelType,
            latest: Version?,
            latestName: ModelVersion,
            versions: ByteTable<Version?>,
            split: VersionSplit?,
            pools: [RoutePool]
        ) {
            self.pools = pools
            self.type = type
            self.latest = latest
            self.latestName = latestName
            self.versions = versions
            self.split = split
        }
    }

    let snapshot: RegistrySnapshot
    /// Each pool at its `index`; nil where one has gone and none has come since.
    let places: [RoutePool?]
    /// Room that the longest request line with its host needs.
    let headroomBytes: Int
    let forwardsAuthorization: Bool
    private let routes: ByteTable<Route>
    /// By the place of the pool whose requests are copied; empty when none are.
    private let shadows: [ShadowRoute?]
    /// By the place of the pool whose requests are recorded; empty when none are.
    private let recordings: [Recording?]
    /// What is not in the table before, and what is in that one only; pools of a model type that changed are in both.
    struct Step {
        var types: Set<ModelType> = []
        var added: [RoutePool] = []
        var removed: [RoutePool] = []
        /// Services that changed, as they were and as they are.
        var before: [Service] = []
        var after: [Service] = []
    }

    /// What a table is made of that outlives snapshots.
    struct Parts {
        /// The one object of an instance, and what the instance is called.
        var upstream: (InstanceKey, ServiceURL) -> Upstream
        /// The one cursor of a pool; of a model type's split under the version `latest`.
        var tickets: (RoutePool.Key) -> TicketSource
        /// The one meter of a version.
        var meter: (VersionMeter.Key) -> VersionMeter
        /// What the service at this address wants to be shown.
        var token: (ServiceURL) -> String? = { _ in nil }
    }

    /// A table of its own, or the one that follows `old`. Types that the step names already are built anew, too.
    init(
        _ snapshot: RegistrySnapshot,
        strategy: BalanceStrategy,
        after old: RoutingTable? = nil,
        step: inout Step,
        _ parts: Parts
    ) {
        let difference = SnapshotDifference(from: old?.snapshot ?? .empty, to: snapshot)
        (step.before, step.after) = (difference.before, difference.after)
        step.types.formUnion(difference.types)
        var builder = Builder(snapshot: snapshot, strategy: strategy, parts: parts)
        step.removed = builder.take(over: old, without: step.types)
        let routes = step.types.map { type in
            (key: type.text, value: snapshot.models[type].map { builder.route(type, $0) })
        }
        step.added = routes.flatMap { $0.value?.pools ?? [] }
        self.snapshot = snapshot
        self.routes = (old?.routes ?? ByteTable([])).changed(routes)
        self.places = builder.places
        self.shadows = builder.shadows.contains { $0 != nil } ? builder.shadows : []
        self.recordings = builder.recordings.contains { $0 != nil } ? builder.recordings : []
        self.headroomBytes = builder.places.reduce(0) { max($0, $1?.headroomBytes ?? 0) }
        self.forwardsAuthorization = builder.places.contains { $0?.forwardsAuthorization ?? false }
    }

    var pools: [RoutePool] { self.places.compactMap { $0 } }

    var meters: [VersionMeter.Key: VersionMeter] {
        Dictionary(self.pools.map { ($0.meter.key, $0.meter) }) { $1 }
    }

    /// Whether the pool is one of this table.
    @inline(__always)
    func has(_ pool: RoutePool) -> Bool { pool.index < self.places.count && self.places[pool.index] === pool }

    @inline(__always)
    func route(_ modelType: UnsafeRawBufferPointer) -> Route? { self.routes.find(modelType) }

    var hasShadows: Bool { !self.shadows.isEmpty }

    /// Where copies of the pool's requests go.
    func shadow(of pool: RoutePool) -> ShadowRoute? {
        pool.index < self.shadows.count ? self.shadows[pool.index] : nil
    }

    var hasRecordings: Bool { !self.recordings.isEmpty }

    /// Which of the pool's requests are recorded.
    func recording(of pool: RoutePool) -> Recording? {
        pool.index < self.recordings.count ? self.recordings[pool.index] : nil
    }

    /// Builds pools and numbers them.
    private struct Builder {
        let snapshot: RegistrySnapshot
        let strategy: BalanceStrategy
        let parts: Parts
        private(set) var places: [RoutePool?] = []
        private(set) var shadows: [ShadowRoute?] = []
        private(set) var recordings: [Recording?] = []
        /// Of pools that have gone, the lowest last.
        private var free: [Int] = []
        /// Of the route that is being built.
        private var pools: [RoutePool] = []

        init(snapshot: RegistrySnapshot, strategy: BalanceStrategy, parts: Parts) {
            self.snapshot = snapshot
            self.strategy = strategy
            self.parts = parts
        }

        /// Begins with what the table before has, but for these model types. Returns their pools.
        mutating func take(over old: RoutingTable?, without types: Set<ModelType>) -> [RoutePool] {
            guard let old else { return [] }
            self.places = old.places
            self.shadows = old.shadows
            self.recordings = old.recordings
            let removed = types.flatMap { old.routes.find($0.text)?.pools ?? [] }
            for pool in removed {
                self.places[pool.index] = nil
                if pool.index < self.shadows.count { self.shadows[pool.index] = nil }
                if pool.index < self.recordings.count { self.recordings[pool.index] = nil }
            }
            while let last = self.places.last, last == nil { self.places.removeLast() }
            self.free = self.places.indices.filter { self.places[$0] == nil }.reversed()
            return removed
        }

        mutating func route(_ type: ModelType, _ model: Model) -> Route {
            self.pools = []
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
            self.addRecording(model, admitted)
            return Route(
                type: type,
                latest: admitted[model.latest],
                latestName: model.latest,
                versions: ByteTable(Self.names(of: model, admitted)),
                split: self.split(type, model, admitted),
                pools: self.pools
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

        private mutating func addRecording(_ model: Model, _ admitted: [ModelVersion: Version]) {
            guard let recording = model.pointers.recording else { return }
            for pool in admitted.values.compactMap(\.prediction) {
                let lacking = max(0, pool.index + 1 - self.recordings.count)
                self.recordings += Array(repeating: nil, count: lacking)
                self.recordings[pool.index] = recording
            }
        }

        /// What requests may call the versions, as `Model.resolve` has it. A retired one is not known any more.
        private static func names(of model: Model, _ admitted: [ModelVersion: Version]) -> [(
            key: String, value: Version?
        )] {
            let known = model.knownVersions.filter {
                model.pointers.notes[$0]?.state != .retired && model.aliases[$0] == nil
            }
            return known.map { ($0.text, admitted[$0]) } + model.aliases.map { ($0.text, admitted[$1]) }
        }

        /// A version that nothing serves gets no share: its requests go to the others in proportion.
        private func split(_ type: ModelType, _ model: Model, _ admitted: [ModelVersion: Version]) -> VersionSplit? {
            let shares = model.pointers.split.compactMap { name, share in
                admitted[name].flatMap { $0.pool(.prediction) == nil ? nil : (version: $0, share: share) }
            }
            return shares.isEmpty ? nil : VersionSplit(shares, tickets: self.parts.tickets(.split(of: type)))
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
                    let origin = service.origin(of: instance)
                    return RouteMember(
                        upstream: self.parts.upstream(instance, origin),
                        definition: service.definition,
                        version: version,
                        token: self.parts.token(origin)
                    )
                }
            }
            let pool = RoutePool(
                key: key,
                index: self.free.popLast() ?? self.places.count,
                members: members,
                strategy: self.strategy,
                tickets: self.parts.tickets(key),
                meter: self.parts.meter(VersionMeter.Key(modelType: key.modelType, version: key.version))
            )
            self.pools.append(pool)
            if pool.index == self.places.count { self.places.append(pool) } else { self.places[pool.index] = pool }
            return pool
        }
    }
}
