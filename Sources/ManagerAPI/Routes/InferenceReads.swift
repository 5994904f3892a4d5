internal import ClusterState
internal import Gateway
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import Registry

/// What clients of the Open Inference Protocol ask before they infer: answered from the snapshot, alike for services of
/// every protocol, so that the cluster looks like one server with many models.
struct InferenceReads: Sendable {
    let ports: FacePorts
    let identity: ReplicaIdentity
    let knowledge: Knowledge
    let questions: InferenceQuestions

    private var statistics: InferenceStatistics {
        InferenceStatistics(ports: self.ports, questions: self.questions)
    }

    /// `GET /v2`
    func server(_ call: Call) async throws -> Response {
        .json([
            "name": "model-manager", "version": .string(self.identity.version),
            "extensions": ["binary_tensor_data", "model_repository", "model_configuration", "statistics"],
        ])
    }

    /// `GET /v2/models/{model_type}[/versions/{version}]`: what its server says of inputs and outputs, with the versions
    /// that the manager knows; servers leave them out, or know their own alone.
    func model(_ call: Call) async throws -> Response {
        let asked = try await self.asked(call)
        let versions = Self.versions(of: asked.model)
        guard let answer = try await self.questions.ask(.metadata, of: asked.type, asked.version, call) else {
            return .json(NativeInference.metadata(of: asked.type, versions: versions))
        }
        guard answer.upstream.status == 200 else { return InferenceQuestions.response(answer) }
        guard let told = try? JSONValue.parse(Array(answer.upstream.body.readableBytesView)), told.asObject != nil
        else {
            throw Problem(.upstreamInvalid, "\(answer.instance.service) did not answer with a JSON object")
        }
        let shown = told.adding("name", .string(asked.type.text)).adding("versions", JSONValue(versions.map(\.text)))
        return InferenceQuestions.response(answer, body: ByteBuffer(string: shown.serialized()))
    }

    /// `GET /v2/models/{model_type}[/versions/{version}]/config`: as its server says it.
    func configuration(_ call: Call) async throws -> Response {
        let asked = try await self.asked(call)
        guard let answer = try await self.questions.ask(.config, of: asked.type, asked.version, call) else {
            return .json(NativeInference.configuration(of: asked.type))
        }
        return InferenceQuestions.response(answer)
    }

    /// `GET /v2/models/{model_type}[/versions/{version}]/stats`: of all versions when none is named.
    func statistics(_ call: Call) async throws -> Response {
        let asked = try await self.asked(call)
        let isNamed = call.parameters["version"] != nil
        let versions = isNamed ? [asked.version] : Self.versions(of: asked.model)
        return try await self.statistics.response(of: versions.map { (asked.type, $0) }, call)
    }

    /// `GET /v2/models/stats`: of all versions of all models.
    func allStatistics(_ call: Call) async throws -> Response {
        let models = try self.knowledge.snapshot().models.sorted { $0.key < $1.key }
        let versions = models.flatMap { type, model in Self.versions(of: model).map { (type, $0) } }
        return try await self.statistics.response(of: versions, call)
    }

    /// `GET /v2/models/{model_type}[/versions/{version}]/ready`: 400 when no instance would get a request now, as servers
    /// of the protocol say it.
    func ready(_ call: Call) async throws -> Response {
        let asked = try await self.asked(call)
        guard asked.model.admits(asked.version), self.isReady(asked.type, asked.version) else {
            let sentence = "model \(asked.type), version \(asked.version), is not ready"
            var answer = ProblemAnswer(Problem(.noHealthyService, sentence)).response(requestID: call.requestID)
            answer.status = .badRequest
            return answer
        }
        return .json(["name": .string(asked.type.text), "ready": true])
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
            model.knownVersions.sorted().compactMap { self.row(type, $0, model, wantsReady: wantsReady) }
        }
        return .json(.array(rows))
    }

    // MARK: Rules

    private func row(_ type: ModelType, _ version: ModelVersion, _ model: Model, wantsReady: Bool) -> JSONValue? {
        let isReady = model.admits(version) && self.isReady(type, version)
        if wantsReady, !isReady { return nil }
        let state = model.pointers.notes[version]?.state
        let reason = isReady ? "" : model.pointers.notes[version]?.why ?? state?.rawValue ?? "no healthy service"
        return [
            "name": .string(type.text), "version": .string(version.text),
            "state": .string(isReady ? "READY" : Self.word(for: state)),
            "reason": .string(reason),
        ]
    }

    private static func word(for state: VersionState?) -> String {
        switch state {
        case .loading: "LOADING"
        case .draining: "UNLOADING"
        case .registered, .ready, .serving, .retired, .failed, nil: "UNAVAILABLE"
        }
    }

    private func isReady(_ type: ModelType, _ version: ModelVersion) -> Bool {
        let explanation = self.ports.traffic.explain(modelType: type, version: version, capability: "prediction")
        return explanation.candidates.contains { $0.eligible }
    }

    private static func versions(of model: Model) -> [ModelVersion] {
        model.knownVersions.filter { model.pointers.notes[$0]?.state != .retired }.sorted()
    }

    /// A model, and the version of it that the path names, or that a request without one gets.
    private func asked(_ call: Call) async throws -> (type: ModelType, model: Model, version: ModelVersion) {
        let type = try call.name("model_type", ModelType.self)
        let named = try call.parameters["version"].map { _ in try call.name("version", ModelVersion.self) }
        let model = try await self.knowledge.model(type, toFind: named ?? .latest)
        return (type, model, try named.map { try self.resolve($0, type, model) } ?? model.latest)
    }

    private func resolve(_ asked: ModelVersion, _ type: ModelType, _ model: Model) throws(Problem) -> ModelVersion {
        let known = Self.versions(of: model)
        if let version = model.resolve(asked), known.contains(version) { return version }
        if known.contains(asked) { return asked }
        throw Problem(.versionNotFound, "model_type \(type) has neither a version nor an alias \(asked)")
    }
}
