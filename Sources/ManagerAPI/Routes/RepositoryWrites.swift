internal import ClusterState
internal import Gateway
internal import HTTPTypes
internal import Hummingbird
internal import Registry

/// The model repository extension: `load` deploys a version and `unload` retires one, by the machines that do so for
/// `/models`, and each answers when that is done, as clients of the extension expect.
///
/// They know no versions. One that names none means the version that a request without one gets: loading it again asks
/// the services that have it, and unloading it is refused as long as it is the latest, so that no client of a single
/// server takes a model from all of its callers. One that names a version has every service of the model load it.
struct RepositoryWrites: Sendable {
    let orders: ModelOrders

    /// How long an answer is waited for unless `x-mm-timeout-ms` says so: a little less than tritonclient waits.
    static let waitDefault = Duration.seconds(55)
    static let waitMax = Duration.seconds(600)

    private struct Order {
        var type: ModelType
        var version: ModelVersion
        /// Whether the caller named a version.
        var isNamed: Bool
        var form: RepositoryForm
        var model: Model
        var limit: Duration
    }

    /// `POST /v2/repository/models/{model_type}/load`
    func load(_ call: Call) async throws -> Response {
        let order = try await self.order(call)
        let deployment = Deployment(
            services: try self.services(for: order),
            artifact: order.form.artifact,
            parameters: order.form.parameters
        )
        let commands = try self.orders.commands
        let reply = try await commands.deploy(order.version, of: order.type, deployment)
        let settled = try await self.orders.settle(reply, order.type)
        let ended = try await self.wait(call, order.limit) { snapshot -> Model? in
            guard snapshot.epoch >= settled.epoch, let model = snapshot.models[order.type] else { return nil }
            let current = model.pointers.deployments[order.version]
            let isOver = current?.order != deployment.order || current?.isUnderWay == false
            return isOver ? model : nil
        }
        guard let ended else { throw Self.late(order, "is still being loaded") }
        guard let outcome = ended.pointers.deployments[order.version], outcome.order == deployment.order else {
            throw Problem(.versionConflict, "another order overtook the loading of version \(order.version)")
        }
        return try Self.loaded(order, outcome, isServed: Self.isServed(order.version, ended))
    }

    /// `POST /v2/repository/models/{model_type}/unload`
    func unload(_ call: Call) async throws -> Response {
        let order = try await self.order(call)
        let drain = self.orders.settings.timeout
        let reply = try await self.orders.commands.retire(order.version, of: order.type, timeout: drain)
        if case .refused(let refusal) = reply { throw Self.refused(refusal, order) }
        let settled = try await self.orders.settle(reply, order.type)
        let ended = try await self.wait(call, order.limit) { snapshot -> VersionNote? in
            guard snapshot.epoch >= settled.epoch else { return nil }
            let note = snapshot.models[order.type]?.pointers.notes[order.version] ?? VersionNote()
            return note.state == .draining ? nil : note
        }
        guard let ended else { throw Self.late(order, "still has requests; it gets no new ones") }
        guard ended.state == .retired else {
            throw Problem(.versionConflict, "another order overtook the unloading of version \(order.version)")
        }
        return Self.answer(order, ["state": "UNAVAILABLE", "reason": JSONValue(ended.why ?? "unloaded")])
    }

    // MARK: What is asked for

    private func order(_ call: Call) async throws -> Order {
        let type = try call.name("model_type", ModelType.self)
        let body = try await call.body(bytesMax: self.orders.settings.formBytesMax)
        let form = try RepositoryForm.read(body.readableBytes == 0 ? [:] : ServiceBody.json(body))
        let named = try call.query.name("version", ModelVersion.self)
        if let named, let other = form.version, other != named {
            throw Refusal.invalid(at: ["query", "version"], "the body names \(other)", type: "value_error")
        }
        let asked = named ?? form.version ?? .latest
        let model = try await self.orders.knowledge.model(type, toFind: asked)
        return Order(
            type: type,
            version: model.knownVersions.contains(asked) ? asked : model.resolve(asked) ?? asked,
            isNamed: asked != .latest,
            form: form,
            model: model,
            limit: try Self.limit(call)
        )
    }

    private static func limit(_ call: Call) throws -> Duration {
        guard let text = call.request.headers[.managerTimeout] else { return self.waitDefault }
        guard let milliseconds = Int(text), milliseconds > 0, .milliseconds(milliseconds) <= self.waitMax else {
            throw Problem(.invalidRequest, "x-mm-timeout-ms must be 1 to \(Int(self.waitMax.inSeconds) * 1000)")
        }
        return .milliseconds(milliseconds)
    }

    private func services(for order: Order) throws -> [ServiceID] {
        if !order.isNamed, let ids = order.model.versions[order.version] { return ids }
        let all = try self.orders.knowledge.snapshot().services.map(\.definition)
        let ids = all.filter { $0.modelType == order.type && $0.kind == .model }.map(\.id)
        guard ids.isEmpty else { return ids }
        throw Problem(.noHealthyService, "no service of model_type \(order.type) is registered that could load it")
    }

    // MARK: What became of it

    /// What `look` finds; nil when the time is up, or this replica leaves: what was ordered goes on without it.
    private func wait<Found: Sendable>(
        _ call: Call,
        _ limit: Duration,
        _ look: @escaping @Sendable (RegistrySnapshot) -> Found?
    ) async throws -> Found? {
        let (clocks, replica) = (self.orders.ports.clocks, self.orders.ports.replica)
        let deadline = clocks.monotonic() + limit
        return try await call.whileCallerPresent {
            while true {
                if let found = look(try self.orders.knowledge.snapshot()) { return found }
                guard !replica.isDraining, clocks.monotonic() < deadline else { return nil }
                try await clocks.sleep(self.orders.settings.drainPollInterval)
            }
        }
    }

    /// A version that its services have anyway is as loaded as can be, also where none can load any.
    private static func loaded(_ order: Order, _ deployment: Deployment, isServed: Bool) throws(Problem) -> Response {
        let outcomes = deployment.services.map { ($0, deployment.outcomes[$0]) }
        let told = outcomes.map { id, outcome in
            (name: id.text, text: [outcome?.name, outcome?.reason].compactMap(\.self).joined(separator: ": "))
        }
        let failed = outcomes.contains { $0.1?.name == "failed" }
        if outcomes.contains(where: { $0.1 == .loaded }) || isServed && !failed {
            return self.answer(order, ["services": .members(told.map { (name: $0.name, value: .string($0.text)) })])
        }
        let list = told.map { "\($0.name) \($0.text)" }.joined(separator: ", ")
        throw Problem(
            failed ? .upstreamInvalid : .capabilityMismatch,
            "no service has loaded version \(order.version) of \(order.type): \(list)"
        )
    }

    /// Who names no version is told how to name one, for the extension has no words for it.
    private static func refused(_ refusal: ModelRefusal, _ order: Order) -> Problem {
        var problem = Problem(refusal, of: order.type)
        guard problem.code == .versionInUse else { return problem }
        problem.message = "\(order.type) \(order.version): \(problem.message)"
        guard !order.isNamed, let allowed = problem.detail else { return problem }
        problem.detail = "\(allowed); any other version is unloaded by ?version=NAME or a parameter version"
        return problem
    }

    private static func isServed(_ version: ModelVersion, _ model: Model) -> Bool {
        model.admits(version) && model.versions[version]?.isEmpty == false
    }

    private static func answer(_ order: Order, _ rest: JSONObject) -> Response {
        var answer: JSONObject = [
            "model_name": .string(order.type.text), "model_version": .string(order.version.text),
        ]
        for member in rest.members { answer[member.name] = member.value }
        return .json(.object(answer))
    }

    private static func late(_ order: Order, _ what: String) -> Problem {
        let path = "/models/\(order.type)/versions/\(order.version)"
        return Problem(
            .upstreamTimeout,
            "version \(order.version) of \(order.type) \(what)",
            detail: "it goes on; watch GET \(path), or send the same request again to wait on"
        )
    }
}
