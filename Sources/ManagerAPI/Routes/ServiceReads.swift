internal import HTTPTypes
internal import Hummingbird
internal import Registry

/// Lists services and shows one.
struct ServiceReads: Sendable {
    let ports: FacePorts
    let knowledge: Knowledge

    /// `GET /services`. The tag is the epoch: who asks with it hears of changes of the registry, and of nothing that
    /// changes without an epoch, such as health and load. That is why no cache may use it by itself.
    func list(_ call: Call) async throws -> Response {
        let snapshot = try self.knowledge.snapshot()
        let tag = "\"\(snapshot.epoch)\""
        if Self.isKnown(tag, call.request.headers) {
            return Response(status: .notModified, headers: [.eTag: tag])
        }
        let filter = try ServiceFilter(call.query)
        let limit = try call.query.pageLimit()
        let after = try call.query.name("after", ServiceID.self)
        let page = self.page(snapshot, filter, after: after, limit: limit)
        let next = page.count > limit ? page[limit - 1].id.text : nil
        let services = page.prefix(limit).map { self.knowledge.json($0) }
        let json: JSONValue = [
            "services": .array(services), "epoch": .integer(snapshot.epoch.rawValue), "next": JSONValue(next),
        ]
        return .json(json, headers: [.eTag: tag])
    }

    /// `GET /services/{service_id}`
    func show(_ call: Call) async throws -> Response {
        let service = try await self.knowledge.service(call.name("service_id", ServiceID.self))
        return .json(self.knowledge.json(service))
    }

    /// One more than asked for, which tells whether there is a next page.
    private func page(_ snapshot: RegistrySnapshot, _ filter: ServiceFilter, after: ServiceID?, limit: Int) -> [Service]
    {
        var page: [Service] = []
        for service in snapshot.services where after.map({ service.id > $0 }) ?? true {
            guard page.count <= limit else { break }
            if filter.admits(service, self.knowledge) { page.append(service) }
        }
        return page
    }

    private static func isKnown(_ tag: String, _ headers: HTTPFields) -> Bool {
        guard let known = headers[.ifNoneMatch] else { return false }
        let tags = known.split(separator: ",").map { $0.drop { $0 == " " } }
        return tags.contains { $0 == "*" || $0 == tag[...] || $0 == "W/\(tag)"[...] }
    }
}

/// What `GET /services` was asked to leave out.
private struct ServiceFilter {
    var modelType: ModelType?
    var capability: String?
    var status: ServiceCondition.Status?

    init(_ query: Query) throws {
        self.modelType = try query.name("model_type", ModelType.self)
        self.capability = query["capability"]
        self.status = try query.choice("status", ServiceCondition.Status.self)
    }

    func admits(_ service: Service, _ knowledge: Knowledge) -> Bool {
        if let modelType, service.definition.modelType != modelType { return false }
        if let capability, !service.definition.offers(capability) { return false }
        if let status, knowledge.condition(service).status != status { return false }
        return true
    }
}
