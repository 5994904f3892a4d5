internal import Hummingbird
internal import Registry

/// The models that the registered services make up.
struct ModelReads: Sendable {
    let knowledge: Knowledge

    func list(_ call: Call) async throws -> Response {
        let snapshot = try self.knowledge.snapshot()
        let limit = try call.query.integer("limit", in: 1...ServiceReads.pageMax, default: ServiceReads.pageDefault)
        let after = try call.query.name("after", ModelType.self)
        let types = snapshot.models.keys.sorted().filter { type in after.map { type > $0 } ?? true }
        let page = types.prefix(limit)
        let models = page.compactMap { type in snapshot.models[type].map { self.json(type, $0, snapshot) } }
        return .json([
            "models": .array(models), "epoch": .integer(snapshot.epoch.rawValue),
            "next": JSONValue(types.count > limit ? page.last?.text : nil),
        ])
    }

    func show(_ call: Call) async throws -> Response {
        let type = try call.name("model_type", ModelType.self)
        let model = try await self.knowledge.model(type)
        return .json(self.json(type, model, try self.knowledge.snapshot()))
    }

    private func json(_ type: ModelType, _ model: Model, _ snapshot: RegistrySnapshot) -> JSONValue {
        let aliases = model.aliases.sorted { $0.key < $1.key }
        let versions = model.versions.sorted { $0.key < $1.key }
        return [
            "model_type": .string(type.text),
            "latest": .string(model.latest.text),
            "aliases": .members(aliases.map { ($0.key.text, .string($0.value.text)) }),
            "traffic": .members([(model.latest.text, .integer(100))]),
            "rollout": nil,
            "versions": .array(
                versions.map { version, ids in
                    self.json(version, isLatest: version == model.latest, ids.compactMap { snapshot[$0] })
                }
            ),
        ]
    }

    private func json(_ version: ModelVersion, isLatest: Bool, _ services: [Service]) -> JSONValue {
        let conditions = services.map { self.knowledge.condition($0) }
        let listed: [JSONValue] = zip(services, conditions).map { service, condition in
            ["service_id": .string(service.id.text), "status": .string(condition.status.rawValue)]
        }
        return [
            "version": .string(version.text),
            "state": .string(Self.state(isLatest: isLatest, conditions.map(\.status))),
            "services": .array(listed),
        ]
    }

    /// A version is as well as the best of its services.
    private static func state(isLatest: Bool, _ statuses: [ServiceCondition.Status]) -> String {
        if statuses.allSatisfy({ $0 == .draining }) { return "draining" }
        if statuses.allSatisfy({ $0 == .draining || $0 == .unhealthy }) { return "failed" }
        return isLatest ? "serving" : "ready"
    }
}
