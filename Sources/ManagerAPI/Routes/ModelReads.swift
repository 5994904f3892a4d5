internal import ClusterState
internal import Hummingbird
internal import Registry

/// The models that the registered services make up, and what the store has written down about them.
struct ModelReads: Sendable {
    let knowledge: Knowledge

    func list(_ call: Call) async throws -> Response {
        let snapshot = try self.knowledge.snapshot()
        let limit = try call.query.pageLimit()
        let after = try call.query.name("after", ModelType.self)
        let types = snapshot.models.keys.sorted().filter { type in after.map { type > $0 } ?? true }
        let page = types.prefix(limit)
        let models = page.compactMap { type in snapshot.models[type].map { self.json(type, $0, snapshot) } }
        return .json([
            "models": .array(models), "epoch": .integer(snapshot.epoch.rawValue),
            "next": JSONValue(types.count > limit ? page.last?.text : nil),
        ])
    }

    /// `GET /models/{model_type}`; with what was measured of a rollout that is under way.
    func show(_ call: Call) async throws -> Response {
        let type = try call.name("model_type", ModelType.self)
        let model = try await self.knowledge.model(type)
        var json = self.json(type, model, try self.knowledge.snapshot())
        if let rollout = model.pointers.rollout, rollout.isUnderWay {
            let sight = try? await self.knowledge.ports.models?.traffic(of: type, [rollout.version, rollout.replaces])
            let shown = ModelJSON.json(rollout).adding("measured", sight.map { ModelJSON.json($0) } ?? .null)
                .adding("held", sight.map { ModelJSON.hold(of: rollout, $0) } ?? .null)
            json = json.adding("rollout", shown)
        }
        return .json(json)
    }

    /// `GET /models/{model_type}/versions/{version}`
    func showVersion(_ call: Call) async throws -> Response {
        let type = try call.name("model_type", ModelType.self)
        return .json(try await self.version(type, try call.name("version", ModelVersion.self)))
    }

    /// A version by name or alias, with who holds requests of it.
    func version(_ type: ModelType, _ asked: ModelVersion) async throws -> JSONValue {
        let model = try await self.knowledge.model(type, toFind: asked)
        let version = model.knownVersions.contains(asked) ? asked : model.resolve(asked) ?? asked
        guard model.knownVersions.contains(version) else {
            throw Problem(.versionNotFound, "model_type \(type) has neither a version nor an alias \(asked)")
        }
        let snapshot = try self.knowledge.snapshot()
        let sight = try? await self.knowledge.ports.models?.traffic(of: type, [version])
        let shadow = model.pointers.shadow.flatMap { $0.version == version ? $0 : nil }
        let figures = try? await self.knowledge.ports.models?.shadowFigures(of: type, version)
        let compared = figures.map { $0.requests + $0.skipped > 0 || shadow != nil } ?? false ? figures : nil
        return self.json(version, of: model, snapshot)
            .adding("model_type", .string(type.text))
            .adding("provenance", Self.provenance((model.versions[version] ?? []).compactMap { snapshot[$0] }))
            .adding("shadow", compared.map { ModelJSON.json($0, shadow) } ?? .null)
            .adding("in_flight", sight.map { ModelJSON.holders($0, of: version) } ?? .null)
    }

    func json(_ type: ModelType, _ model: Model, _ snapshot: RegistrySnapshot) -> JSONValue {
        let aliases = model.aliases.sorted { $0.key < $1.key }
        let traffic = model.traffic.sorted { $0.key < $1.key }
        return [
            "model_type": .string(type.text),
            "latest": .string(model.latest.text),
            "aliases": .members(aliases.map { ($0.key.text, .string($0.value.text)) }),
            "traffic": .members(traffic.map { ($0.key.text, JSONValue($0.value)) }),
            "shadow": model.pointers.shadow.map { ModelJSON.json($0) } ?? .null,
            "recording": model.pointers.recording.map { ModelJSON.json($0) } ?? .null,
            "rollout": model.pointers.rollout.map { ModelJSON.json($0) } ?? .null,
            "require_evaluation": .bool(model.pointers.requiresEvaluation),
            "versions": .array(model.knownVersions.sorted().map { self.json($0, of: model, snapshot) }),
        ]
    }

    private func json(_ version: ModelVersion, of model: Model, _ snapshot: RegistrySnapshot) -> JSONValue {
        let services = (model.versions[version] ?? []).compactMap { snapshot[$0] }
        let conditions = services.map { self.knowledge.condition($0) }
        let listed: [JSONValue] = zip(services, conditions).map { service, condition in
            ["service_id": .string(service.id.text), "status": .string(condition.status.rawValue)]
        }
        let note = model.pointers.notes[version]
        let deployment = model.pointers.deployments[version]
        return [
            "version": .string(version.text),
            "state": .string(Self.state(of: version, model, conditions.map(\.status)).rawValue),
            "since": JSONValue(note?.since?.description), "why": JSONValue(note?.why), "services": .array(listed),
            "deployment": deployment.map { ModelJSON.json($0) } ?? .null,
            "evaluations": .array(note?.evaluations ?? []),
        ]
    }

    /// What the store says of the version; else it is as well as the best of its services.
    private static func state(
        of version: ModelVersion,
        _ model: Model,
        _ statuses: [ServiceCondition.Status]
    ) -> VersionState {
        if let state = model.pointers.notes[version]?.state { return state }
        if statuses.isEmpty { return .registered }
        if statuses.allSatisfy({ $0 == .draining }) { return .draining }
        if statuses.allSatisfy({ $0 == .draining || $0 == .unhealthy }) { return .failed }
        return version == model.latest || (model.traffic[version] ?? 0) > 0 ? .serving : .ready
    }

    /// How the version came to be: by which service, told by whom, when.
    private static func provenance(_ services: [Service]) -> JSONValue {
        guard let first = services.min(by: { $0.registeredEpoch < $1.registeredEpoch }) else { return .null }
        return [
            "service_id": .string(first.id.text), "source": .string(first.source.rawValue),
            "registered_at": .string(first.registeredAt.description),
        ]
    }
}
