internal import ClusterState
internal import Gateway
internal import HTTPTypes
internal import Hummingbird
internal import Registry

/// Registers, changes, drains and removes services.
///
/// An answer means: the store has it, and this replica uses it.
struct ServiceWrites: Sendable {
    let ports: FacePorts
    let knowledge: Knowledge
    let settings: FaceSettings

    /// `POST /services/register`: 201 for a new service, 200 for one changed or the same.
    func register(_ call: Call) async throws -> Response {
        let body = try await call.body(bytesMax: self.settings.formBytesMax)
        let definition = try ServiceBody.definition(body)
        if let scope = call.principal?.scope {
            try scope.require(definition.id)
            // A service that joins a model takes its callers.
            try scope.require(definition.modelType, self.ports.snapshots.snapshot)
        }
        let change = try await self.ports.commands.register(definition)
        guard let service = change.service else { throw Self.vanished }
        await self.settle(change)
        let location = "/services/\(service.id)"
        let status: HTTPResponse.Status = change.kind == .created ? .created : .ok
        return .json(self.json(service, change), status: status, headers: [.location: location])
    }

    /// `PATCH /services/{service_id}`
    func change(_ call: Call) async throws -> Response {
        let id = try call.name("service_id", ServiceID.self)
        let body = try await call.body(bytesMax: self.settings.formBytesMax)
        return try await self.answer(self.ports.commands.change(id, ServiceBody.patch(body)))
    }

    /// `POST /services/{service_id}/drain`
    func drain(_ call: Call) async throws -> Response {
        try await self.answer(self.ports.commands.setDraining(call.name("service_id", ServiceID.self), to: true))
    }

    /// `DELETE /services/{service_id}/drain`
    func putBack(_ call: Call) async throws -> Response {
        try await self.answer(self.ports.commands.setDraining(call.name("service_id", ServiceID.self), to: false))
    }

    /// `POST /services/{service_id}/heartbeat`
    func heartbeat(_ call: Call) async throws -> Response {
        let id = try call.name("service_id", ServiceID.self)
        let lease: Duration? =
            switch try await self.ports.commands.heartbeat(id) {
            case .renewed(let lease): lease
            case .unlimited: nil
            }
        let epoch = self.ports.snapshots.snapshot?.epoch ?? .zero
        return .json([
            "service_id": .string(id.text), "lease": JSONValue(seconds: lease), "epoch": .integer(epoch.rawValue),
        ])
    }

    /// `DELETE /services/{service_id}`; with `drain=true` after its last request, or its timeout.
    func remove(_ call: Call) async throws -> Response {
        let id = try call.name("service_id", ServiceID.self)
        if try call.query.flag("drain") { try await self.drainOut(id) }
        let change = try await self.ports.commands.remove(id)
        await self.settle(change)
        let removal: JSONValue = ["service_id": .string(id.text), "epoch": .integer(change.epoch.rawValue)]
        return .json(removal.adding(change.durability))
    }

    /// Takes the service out of rotation and waits for what runs, at this replica and at the others. What still runs after
    /// the service's timeout could not be answered in time anyway. A replica that leaves does not wait: another one can
    /// end what was begun.
    private func drainOut(_ id: ServiceID) async throws {
        let change = try await self.ports.commands.setDraining(id, to: true)
        await self.settle(change)
        let limit = change.service?.definition.timeout ?? self.settings.timeout
        let clocks = self.ports.clocks
        let deadline = clocks.monotonic() + limit
        while await self.isBusy(id, since: change.epoch), clocks.monotonic() < deadline {
            if self.ports.replica.isDraining { throw Self.leaving(id) }
            try await clocks.sleep(self.settings.drainPollInterval)
        }
    }

    private func isBusy(_ id: ServiceID, since epoch: Epoch) async -> Bool {
        if self.ports.traffic.states(of: id).contains(where: { $0.inFlight > 0 }) { return true }
        return await self.ports.cluster.othersMayHold(id, drainingSince: epoch)
    }

    private func answer(_ change: CommittedChange) async throws -> Response {
        guard let service = change.service else { throw Self.vanished }
        await self.settle(change)
        return .json(self.json(service, change))
    }

    /// Waits until this replica uses the change. It is stored either way, so a wait in vain is no failure.
    private func settle(_ change: CommittedChange) async {
        _ = await self.ports.snapshots.waitForEpoch(change.epoch, within: self.settings.epochWaitMax)
    }

    /// A service unchanged keeps its own epoch; the answer's `epoch` is what to wait for on another replica.
    private func json(_ service: Service, _ change: CommittedChange) -> JSONValue {
        var service = service
        service.epoch = max(service.epoch, change.epoch)
        return self.knowledge.json(service).adding(change.durability)
    }

    private static func leaving(_ id: ServiceID) -> Problem {
        Problem(
            .draining,
            "this replica is leaving, and \(id) still has requests",
            detail: "it is out of rotation; send the same request again to remove it",
            retryAfter: 1
        )
    }

    private static let vanished = Problem(.serviceNotFound, "the service was removed by somebody else meanwhile")
}

extension JSONValue {
    fileprivate func adding(_ durability: CommittedChange.Durability?) -> JSONValue {
        guard let durability else { return self }
        return self.adding("durability", .string(durability.rawValue))
    }
}
