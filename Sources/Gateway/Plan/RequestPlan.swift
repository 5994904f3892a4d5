internal import Decisions
internal import Registry

/// From a request's body to the pool that serves it, or to the reason why none does.
enum RequestPlan {
    /// Where a request goes.
    struct Destination {
        let pool: RoutePool
        /// Whether the body names a version or an alias, other than `latest`.
        let namesVersion: Bool
    }

    /// Nil: the request asks several models at once, see `Aggregate`.
    @inline(__always)
    static func pool(
        of body: UnsafeRawBufferPointer,
        _ capability: RoutePool.Capability,
        for options: ExchangeOptions,
        in table: RoutingTable
    ) throws(Refusal) -> RoutePool? {
        try self.destination(of: body, capability, for: options, in: table)?.pool
    }

    /// The same, with what else the body says.
    static func destination(
        of body: UnsafeRawBufferPointer,
        _ capability: RoutePool.Capability,
        for options: ExchangeOptions,
        in table: RoutingTable
    ) throws(Refusal) -> Destination? {
        let found = try self.scanned(body)
        let (modelType, version) = (found.modelType, found.modelVersion)
        if found.aggregate.kind != .absent, found.aggregate.kind != .null {
            guard capability == .prediction else {
                throw .member("aggregate", "only goes with a prediction", type: "not_supported")
            }
            return nil
        }
        guard modelType.kind != .absent else { throw .member("model_type", "field required", type: "missing") }
        guard modelType.kind == .string else { throw .member("model_type", "must be a string", type: "string_type") }
        guard version.kind == .absent || version.kind == .string || version.kind == .null else {
            throw .member("model_version", "must be a string", type: "string_type")
        }
        guard let route = self.route(modelType, body, table) else {
            let name = self.shown(modelType, body)
            throw Refusal(Problem(.modelNotFound, "no service is registered for model_type \(name)"))
        }
        let namesVersion = !self.isLatest(version, body)
        if let split = route.split, capability == .prediction, !namesVersion {
            let pool = try self.pool(of: split.version(hashKey: options.hashKey), route, capability, options)
            return Destination(pool: pool, namesVersion: false)
        }
        let meant = try namesVersion ? self.version(version, body, route) : self.latest(of: route)
        return Destination(pool: try self.pool(of: meant, route, capability, options), namesVersion: namesVersion)
    }

    /// The pool of one member of an aggregate.
    static func pool(
        of target: AggregateOrder.Target,
        _ options: ExchangeOptions,
        plane: LoopPlane
    ) throws(Refusal) -> RoutePool {
        try self.pool(of: target.modelType, target.version, .prediction, for: options, in: plane.table)
    }

    /// The pool of a version that is named outside of the body. No name: as `latest`.
    static func pool(
        of modelType: ModelType,
        _ asked: ModelVersion?,
        _ capability: RoutePool.Capability,
        for options: ExchangeOptions,
        in table: RoutingTable
    ) throws(Refusal) -> RoutePool {
        var name = modelType.text
        guard let route = name.withUTF8({ table.route(UnsafeRawBufferPointer($0)) }) else {
            throw Refusal(Problem(.modelNotFound, "no service is registered for model_type \(name)"))
        }
        guard let asked, asked != .latest else {
            if let split = route.split {
                return try self.pool(of: split.version(hashKey: options.hashKey), route, capability, options)
            }
            guard let latest = route.latest else { throw self.noService(route, route.latestName.text) }
            return try self.pool(of: latest, route, capability, options)
        }
        guard let found = route.versions.find(asked.text) else {
            throw Refusal(Problem(.versionNotFound, "model_type \(name) has neither a version nor an alias \(asked)"))
        }
        guard let version = found else { throw self.noService(route, asked.text) }
        return try self.pool(of: version, route, capability, options)
    }

    @inline(__always)
    static func scanned(_ body: UnsafeRawBufferPointer) throws(Refusal) -> BodyScan.Found {
        var scan = BodyScan()
        switch scan.scan(body, isComplete: true) {
        case .ok(let found): return found
        case .incomplete: throw Refusal(Problem(.invalidRequest, "the body is not valid JSON: it is incomplete"))
        case .invalid(.notAnObject, _):
            let fault = Refusal.Fault(location: ["body"], message: "must be an object", type: "object_type")
            throw Refusal(Problem(.validationError, "the body must be a JSON object"), faults: [fault])
        case .invalid(let reason, let offset):
            throw Refusal(
                Problem(.invalidRequest, "the body is not valid JSON: \(reason.sentence), at byte \(offset)")
            )
        }
    }

    @inline(__always)
    private static func route(
        _ modelType: BodyScan.Member,
        _ body: UnsafeRawBufferPointer,
        _ table: RoutingTable
    ) -> RoutingTable.Route? {
        guard modelType.hasEscapes else { return table.route(modelType.range.bytes(of: body)) }
        guard var text = modelType.text(of: body) else { return nil }
        return text.withUTF8 { table.route(UnsafeRawBufferPointer($0)) }
    }

    @inline(__always)
    private static func latest(of route: RoutingTable.Route) throws(Refusal) -> RoutingTable.Version {
        if let latest = route.latest { return latest }
        throw self.noService(route, route.latestName.text)
    }

    /// The version that a request names.
    @inline(__always)
    private static func version(
        _ version: BodyScan.Member,
        _ body: UnsafeRawBufferPointer,
        _ route: RoutingTable.Route
    ) throws(Refusal) -> RoutingTable.Version {
        let found: RoutingTable.Version??
        if version.hasEscapes {
            found = version.text(of: body).flatMap { route.versions.find($0) }
        } else {
            found = route.versions.find(version.range.bytes(of: body))
        }
        guard let found else {
            let name = self.shown(version, body)
            throw Refusal(
                Problem(.versionNotFound, "model_type \(route.type) has neither a version nor an alias \(name)")
            )
        }
        guard let found else { throw self.noService(route, self.shown(version, body)) }
        return found
    }

    @inline(__always)
    private static func isLatest(_ version: BodyScan.Member, _ body: UnsafeRawBufferPointer) -> Bool {
        if version.kind != .string { return true }
        if version.hasEscapes { return version.text(of: body) == ModelVersion.latest.text }
        return version.range.count == 6 && version.range.bytes(of: body).elementsEqual("latest".utf8)
    }

    @inline(__always)
    private static func pool(
        of version: RoutingTable.Version,
        _ route: RoutingTable.Route,
        _ capability: RoutePool.Capability,
        _ options: ExchangeOptions
    ) throws(Refusal) -> RoutePool {
        if let pool = version.pool(capability) {
            if let scope = options.scope, !pool.isWithin(scope) { throw self.outOfScope(route, version) }
            return pool
        }
        throw Refusal(
            Problem(
                .capabilityMismatch,
                "no service of model_type \(route.type), version \(version.name), offers \(capability.rawValue)"
            )
        )
    }

    private static func outOfScope(_ route: RoutingTable.Route, _ version: RoutingTable.Version) -> Refusal {
        Refusal(
            Problem(
                .forbidden,
                "this caller may not use model_type \(route.type), version \(version.name)",
                detail: "it is served by services that are not among those he may use"
            )
        )
    }

    private static func noService(_ route: RoutingTable.Route, _ version: String) -> Refusal {
        Refusal(
            Problem(
                .noHealthyService,
                "no service of model_type \(route.type) takes requests for version \(version)",
                retryAfter: 1
            )
        )
    }

    /// A caller's name for an error text: only if it could be a name at all, so that nothing foreign is reflected.
    private static func shown(_ member: BodyScan.Member, _ body: UnsafeRawBufferPointer) -> String {
        guard let text = member.text(of: body), NameRule.allows(text) else { return "of that name" }
        return text
    }
}
