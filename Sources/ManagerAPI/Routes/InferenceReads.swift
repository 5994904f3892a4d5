internal import Gateway
internal import HTTPTypes
internal import Hummingbird
internal import Registry

/// What clients of the Open Inference Protocol ask before they infer: answered from the snapshot, alike for services of
/// every protocol, so that the cluster looks like one server with many models.
struct InferenceReads: Sendable {
    let ports: FacePorts
    let identity: ReplicaIdentity
    let knowledge: Knowledge

    /// `GET /v2`
    func server(_ call: Call) async throws -> Response {
        .json([
            "name": "model-manager", "version": .string(self.identity.version),
            "extensions": ["binary_tensor_data"],
        ])
    }

    /// `GET /v2/models/{model_type}[/versions/{version}]`
    func model(_ call: Call) async throws -> Response {
        let (type, model) = try await self.asked(call)
        if let version = try self.version(call) { _ = try self.resolve(version, type, model) }
        return .json(Self.metadata(of: type, versions: Self.versions(of: model)))
    }

    /// `GET /v2/models/{model_type}[/versions/{version}]/ready`: 400 when no instance would get a request now, as servers
    /// of the protocol say it.
    func ready(_ call: Call) async throws -> Response {
        let (type, model) = try await self.asked(call)
        let version = try self.version(call)
        if let version { _ = try self.resolve(version, type, model) }
        guard self.isReady(type, version ?? .latest) else {
            let name = "model \(type), version \(version ?? .latest),"
            return .json(["error": .string("\(name) is not ready")], status: .badRequest)
        }
        return .json(["name": .string(type.text), "ready": true])
    }

    /// `POST /v2/repository/index`; a body `{"ready":true}` asks only for what is ready. No body is as good as `{}`.
    func index(_ call: Call) async throws -> Response {
        let body = try await call.body(bytesMax: 64 * 1024)
        let asked = body.readableBytes == 0 ? [:] : try? JSONValue.parse(Array(body.readableBytesView))
        guard let asked, asked.asObject != nil else {
            throw Problem(.invalidRequest, "the body must be a JSON object or empty")
        }
        let wantsReady = asked["ready"]?.asBool == true
        let models = try self.knowledge.snapshot().models.sorted { $0.key < $1.key }
        let rows = models.flatMap { type, model in
            Self.versions(of: model).compactMap { self.row(type, $0, model, wantsReady: wantsReady) }
        }
        return .json(.array(rows))
    }

    // MARK: Rules

    /// A native service takes and gives one thing, of any length.
    private static func metadata(of type: ModelType, versions: [ModelVersion]) -> JSONValue {
        func tensor(_ name: String) -> JSONValue {
            ["name": .string(name), "datatype": "FP64", "shape": [-1, -1]]
        }
        return [
            "name": .string(type.text), "versions": .array(versions.map { .string($0.text) }),
            "platform": "model-manager_native", "inputs": [tensor("data")], "outputs": [tensor("prediction")],
        ]
    }

    private func row(_ type: ModelType, _ version: ModelVersion, _ model: Model, wantsReady: Bool) -> JSONValue? {
        let isReady = model.admits(version) && self.isReady(type, version)
        if wantsReady, !isReady { return nil }
        let state = model.pointers.notes[version]?.state
        let reason = isReady ? "" : model.pointers.notes[version]?.why ?? state?.rawValue ?? "no healthy service"
        return [
            "name": .string(type.text), "version": .string(version.text),
            "state": .string(isReady ? "READY" : state == .loading ? "LOADING" : "UNAVAILABLE"),
            "reason": .string(reason),
        ]
    }

    private func isReady(_ type: ModelType, _ version: ModelVersion) -> Bool {
        let explanation = self.ports.traffic.explain(modelType: type, version: version, capability: "prediction")
        return explanation.candidates.contains { $0.eligible }
    }

    private static func versions(of model: Model) -> [ModelVersion] {
        model.knownVersions.filter { model.pointers.notes[$0]?.state != .retired }.sorted()
    }

    private func asked(_ call: Call) async throws -> (ModelType, Model) {
        let type = try call.name("model_type", ModelType.self)
        return (type, try await self.knowledge.model(type))
    }

    private func version(_ call: Call) throws -> ModelVersion? {
        try call.parameters["version"].map { _ in try call.name("version", ModelVersion.self) }
    }

    private func resolve(_ asked: ModelVersion, _ type: ModelType, _ model: Model) throws(Problem) -> ModelVersion {
        let known = Self.versions(of: model)
        if known.contains(asked) { return asked }
        if let version = model.resolve(asked), known.contains(version) { return version }
        throw Problem(.versionNotFound, "model_type \(type) has neither a version nor an alias \(asked)")
    }
}
