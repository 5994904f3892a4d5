internal import HTTPTypes
internal import Registry

/// What callers with a scope may change: services that it names, and models all of whose services it names.
extension FaceResponder {
    /// The services and the model that a path names. Those that a body names are checked where it is read.
    func require(_ scope: AccessScope, for call: Call, _ route: Route) throws {
        guard route.access.role(for: route.method) ?? .predict > .predict else { return }
        if let text = call.parameters["service_id"], let id = ServiceID(text) { try scope.require(id) }
        if let text = call.parameters["model_type"], let type = ModelType(text) {
            try scope.require(type, self.ports.snapshots.snapshot)
        }
    }
}

extension AccessScope {
    func require(_ id: ServiceID) throws(Problem) {
        guard !self.allows(id) else { return }
        throw Problem(
            .forbidden,
            "this caller may not use the service \(id)",
            detail: "it is not among those he may use"
        )
    }

    /// Of a model that nobody serves nothing can be said: what has no services is nobody's.
    func require(_ type: ModelType, _ snapshot: RegistrySnapshot?) throws(Problem) {
        let services = snapshot?.models[type]?.versions.values.flatMap { $0 } ?? []
        for id in services { try self.require(id) }
    }
}
