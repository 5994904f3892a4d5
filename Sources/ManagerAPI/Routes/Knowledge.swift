internal import Registry

/// What this replica knows, and whom it asks when it does not.
///
/// What one replica created the next one must find: a miss asks the store before it is called a miss.
struct Knowledge: Sendable {
    let ports: FacePorts
    /// How long a model that the store may know is waited for.
    let catchUpMax: Duration

    func snapshot() throws(Problem) -> RegistrySnapshot {
        guard let snapshot = self.ports.snapshots.snapshot else {
            throw Problem(.storeUnavailable, "this replica has not loaded the registry yet", retryAfter: 1)
        }
        return snapshot
    }

    /// - Throws: `service_not_found`, or `store_unavailable` when nobody could be asked.
    func service(_ id: ServiceID) async throws(Problem) -> Service {
        if let known = try self.snapshot()[id] { return known }
        if let stored = try await self.ports.commands.service(id) { return stored }
        throw Problem(.serviceNotFound, "there is no service \(id)", detail: "GET /services lists those there are")
    }

    /// - Throws: `model_not_found`, or `store_unavailable` when nobody could be asked.
    func model(_ type: ModelType) async throws(Problem) -> Model {
        if let known = try self.snapshot().models[type] { return known }
        _ = await self.ports.snapshots.waitForEpoch(try await self.ports.commands.storeEpoch(), within: self.catchUpMax)
        if let known = try self.snapshot().models[type] { return known }
        throw Problem(.modelNotFound, "there is no model_type \(type)", detail: "GET /models lists those there are")
    }

    /// The model, as the store has it by now unless this replica knows what the name means: a version, or an alias.
    /// Whether it does then is for the caller to see.
    func model(_ type: ModelType, toFind name: ModelVersion) async throws(Problem) -> Model {
        let known = try await self.model(type)
        guard !known.knownVersions.contains(name), known.resolve(name) == nil else { return known }
        let epoch = try await self.ports.commands.storeEpoch()
        guard try self.snapshot().epoch < epoch else { return known }
        _ = await self.ports.snapshots.waitForEpoch(epoch, within: self.catchUpMax)
        return try self.snapshot().models[type] ?? known
    }

    func condition(_ service: Service) -> ServiceCondition {
        ServiceCondition(service, self.ports.traffic.states(of: service.id))
    }

    func json(_ service: Service) -> JSONValue {
        ServiceJSON.json(service, self.condition(service))
    }
}
