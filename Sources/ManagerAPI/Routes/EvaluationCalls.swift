internal import ClusterState
internal import Gateway
internal import Hummingbird
internal import Registry

/// Asks for offline tests of versions, and lets switches demand them. What makes the tests is the leader.
struct EvaluationCalls: Sendable {
    let orders: ModelOrders

    /// `POST /models/{model_type}/versions/{version}/evaluate`
    func evaluate(_ call: Call) async throws -> Response {
        let type = try call.name("model_type", ModelType.self)
        let version = try call.name("version", ModelVersion.self)
        let body = try await call.body(bytesMax: self.orders.settings.bodyBytesMax, setBy: "MAX_BODY_BYTES")
        let form = try EvaluationForm.read(ServiceBody.json(body))
        try await self.check(form, version, type)
        try Self.check(form, within: call.principal?.scope)
        var random = SystemRandomNumberGenerator()
        let id = EvaluationID(random: random.next())
        let request = Array(body.readableBytesView)
        let order = EvaluationOrder(id: id, type: type, version: version, request: request)
        switch try await self.orders.commands.evaluate(order) {
        case .queued, .known: break
        case .refused(let refusal): throw Problem(refusal, of: type)
        case .full(let waiting, let bytes):
            let detail = "\(waiting) tests with \(bytes) bytes of requests wait"
            throw Problem(.overloaded, "too many offline tests wait", detail: detail, retryAfter: 10)
        }
        let answer: JSONValue = [
            "evaluation_id": .string(id.text), "status": "queued", "model_type": .string(type.text),
            "version": .string(version.text), "metric": .string(form.metric.rawValue),
        ]
        return .json(answer, status: .accepted, headers: [.location: "/models/\(type)/versions/\(version)"])
    }

    /// `PATCH /models/{model_type}`
    func patch(_ call: Call) async throws -> Response {
        let type = try call.name("model_type", ModelType.self)
        let patch = try ModelPatch.read(try await self.orders.form(call))
        let reply = try await self.orders.commands.requireEvaluation(of: type, patch.requiresEvaluation)
        return try self.orders.answer(type, try await self.orders.settle(reply, type))
    }

    /// What the test would ask for a caller with a scope must be his to use.
    private static func check(_ form: EvaluationForm, within scope: AccessScope?) throws {
        if case .service(let source, _) = form.dataset { try scope?.require(source.service) }
        if let validator = form.validator { try scope?.require(validator) }
    }

    /// Refuses what could not be tested as things are now.
    private func check(_ form: EvaluationForm, _ version: ModelVersion, _ type: ModelType) async throws {
        let model = try await self.orders.knowledge.model(type, toFind: version)
        guard model.knownVersions.contains(version) else {
            throw Problem(.versionNotFound, "model_type \(type) has no version \(version)")
        }
        guard model.admits(version), model.versions[version]?.isEmpty == false else {
            let state = model.pointers.notes[version]?.state ?? .registered
            throw Problem(.notReady(state: state.rawValue, version: version.text), of: type)
        }
        if let asked = form.rival {
            guard let rival = model.resolve(asked) else {
                throw Problem(.versionNotFound, "there is no version \(asked) of model_type \(type) to hold it against")
            }
            guard rival != version || form.threshold != nil else {
                let why = "is required: \(version) would be held against itself"
                throw Refusal.invalid(at: ["body", "threshold"], why, type: "missing")
            }
        }
        if case .service(let source, _) = form.dataset {
            let service = try await self.orders.knowledge.service(source.service)
            if let fault = source.fault(for: service) {
                throw Refusal.invalid(at: ["body", "dataset", "service"], fault, type: "value_error")
            }
        }
        if case .recording = form.dataset, model.pointers.recording == nil {
            let why = "predictions of \(type) are not recorded: PUT /models/\(type)/recording"
            throw Refusal.invalid(at: ["body", "dataset", "recording"], why, type: "value_error")
        }
        guard let id = form.validator else { return }
        let validator = try await self.orders.knowledge.service(id).definition
        guard validator.kind == .validation else {
            let why = "the service \(id) is of kind \(validator.kind.rawValue), not validation"
            throw Refusal.invalid(at: ["body", "validator"], why, type: "value_error")
        }
    }
}
