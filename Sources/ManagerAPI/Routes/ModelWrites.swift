internal import ClusterState
internal import Gateway
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import Registry

/// Switches, aliases, splits and retirements of model versions.
///
/// An answer means: the store has it, and this replica uses it; after a switch, every live replica does.
struct ModelWrites: Sendable {
    let orders: ModelOrders

    /// `POST /models/{model_type}/switch`
    func change(_ call: Call) async throws -> Response {
        let type = try call.name("model_type", ModelType.self)
        let form = try SwitchForm.read(try await self.orders.form(call))
        if !form.order.isForced { try await self.checkHealth(of: form.order.version, type) }
        let reply = try await self.orders.commands.switchModel(type, to: form.order)
        let settled = try await self.orders.settle(reply, type, canForce: true)
        let isUnderWay = try self.orders.knowledge.snapshot().models[type]?.pointers.rollout?.isUnderWay == true
        if form.order.canary != nil, isUnderWay { return try self.orders.answer(type, settled, status: .accepted) }
        try await self.waitForCluster(settled.epoch, form.timeout)
        return try self.orders.answer(type, settled)
    }

    /// `POST /models/{model_type}/rollback`
    func rollBack(_ call: Call) async throws -> Response {
        let type = try call.name("model_type", ModelType.self)
        let form = try RollbackForm.read(try await self.orders.form(call))
        let reply = try await self.orders.commands.rollBack(type, expecting: form.expected, force: form.isForced)
        let settled = try await self.orders.settle(reply, type, canForce: true)
        try await self.waitForCluster(settled.epoch, form.timeout)
        return try self.orders.answer(type, settled)
    }

    /// `PUT /models/{model_type}/aliases/{alias}`
    func pointAlias(_ call: Call) async throws -> Response {
        let (type, alias) = try self.alias(call)
        let form = try AliasForm.read(try await self.orders.form(call))
        let reply = try await self.orders.commands.pointAlias(alias, of: type, at: form.version)
        return try self.orders.answer(type, try await self.orders.settle(reply, type))
    }

    /// `DELETE /models/{model_type}/aliases/{alias}`
    func removeAlias(_ call: Call) async throws -> Response {
        let (type, alias) = try self.alias(call)
        let reply = try await self.orders.commands.pointAlias(alias, of: type, at: nil)
        return try self.orders.answer(type, try await self.orders.settle(reply, type))
    }

    /// `PUT /models/{model_type}/traffic`
    func splitTraffic(_ call: Call) async throws -> Response {
        let type = try call.name("model_type", ModelType.self)
        let form = try TrafficForm.read(try await self.orders.form(call))
        let reply = try await self.orders.commands.splitTraffic(of: type, form.split, shadow: form.shadow)
        return try self.orders.answer(type, try await self.orders.settle(reply, type))
    }

    /// `DELETE /models/{model_type}/traffic`: all to the latest again, and nothing is copied.
    func endSplit(_ call: Call) async throws -> Response {
        let type = try call.name("model_type", ModelType.self)
        let reply = try await self.orders.commands.splitTraffic(of: type, [:], shadow: nil)
        return try self.orders.answer(type, try await self.orders.settle(reply, type))
    }

    /// `POST /models/{model_type}/versions/{version}/retire`
    func retire(_ call: Call) async throws -> Response {
        let type = try call.name("model_type", ModelType.self)
        let version = try call.name("version", ModelVersion.self)
        let form = try RetireForm.read(try await self.orders.form(call))
        let reply = try await self.orders.commands.retire(version, of: type, timeout: form.timeout)
        let settled = try await self.orders.settle(reply, type)
        let shown = settled.added(to: try await self.orders.reads.version(type, version))
        let location = "/models/\(type)/versions/\(version)"
        return .json(shown, status: .accepted, headers: [.location: location])
    }

    /// `POST /models/{model_type}/versions`: to the services that are named, or to all of the model type.
    func deploy(_ call: Call) async throws -> Response {
        let type = try call.name("model_type", ModelType.self)
        let form = try DeployForm.read(try await self.orders.form(call))
        _ = try await self.orders.knowledge.model(type)
        let services = try await self.services(form, type)
        let order = Deployment(services: services, artifact: form.artifact, parameters: form.parameters)
        let settled = try await self.orders.settle(try self.orders.commands.deploy(form.version, of: type, order), type)
        let shown = settled.added(to: try await self.orders.reads.version(type, form.version))
        let location = "/models/\(type)/versions/\(form.version)"
        return .json(shown, status: .accepted, headers: [.location: location])
    }

    private func services(_ form: DeployForm, _ type: ModelType) async throws -> [ServiceID] {
        guard let named = form.services else {
            let all = try self.orders.knowledge.snapshot().services.map(\.definition)
            return all.filter { $0.modelType == type && $0.kind == .model }.map(\.id)
        }
        for id in named where try await self.orders.knowledge.service(id).definition.modelType != type {
            throw Refusal.invalid(at: ["body", "services"], "\(id) is no service of \(type)", type: "value_error")
        }
        return named
    }

    private func alias(_ call: Call) throws -> (ModelType, ModelVersion) {
        let alias = try call.name("alias", ModelVersion.self)
        guard alias != .latest else {
            throw Refusal.invalid(at: ["path", "alias"], "latest moves by a switch alone", type: "value_error")
        }
        return (try call.name("model_type", ModelType.self), alias)
    }

    /// A version of which this replica sees no service alive is not ready, whatever the store says.
    private func checkHealth(of version: ModelVersion, _ type: ModelType) async throws(Problem) {
        let model = try await self.orders.knowledge.model(type)
        guard model.admits(version) else { return }  // The store says so, and why.
        let snapshot = try self.orders.knowledge.snapshot()
        let services = (model.versions[version] ?? []).compactMap { snapshot[$0] }
        let isDown = services.allSatisfy { self.orders.knowledge.condition($0).status == .unhealthy }
        guard !services.isEmpty, isDown else { return }
        throw Problem(.notReady(state: "failed", version: version.text), of: type, all: services.map(\.id.text))
    }

    /// No longer than a replica that was paused needs to lapse, unless the caller says so.
    private func waitForCluster(_ epoch: Epoch, _ timeout: Duration?) async throws(Problem) {
        let limit = timeout ?? self.orders.settings.switchWaitMax
        let behind = try await self.orders.commands.waitForCluster(epoch, within: limit)
        guard !behind.isEmpty else { return }
        let names = behind.map(\.replica).joined(separator: ", ")
        throw Problem(
            .epochNotReached,
            "the switch is stored, but \(names) may still serve the version before",
            detail: "send the same request again to wait on; epoch \(epoch)",
            retryAfter: 1
        )
    }
}

extension Problem {
    fileprivate init(_ refusal: ModelRefusal, of type: ModelType, all services: [String]) {
        self.init(refusal, of: type, canForce: true)
        self.message += ": probes call all of its services unhealthy (\(services.joined(separator: ", ")))"
    }
}
