import Hummingbird

/// `GET`, `POST`, `DELETE /_fault`: reads, sets and clears the fault switches of the running service.
struct FaultRoutes: Sendable {
    let faults: FaultSwitch

    func show(_ request: Request, _ context: DemoContext) async throws -> FaultSettings { self.faults.settings }

    func set(_ request: Request, _ context: DemoContext) async throws -> FaultSettings {
        let settings = try await request.decodeBody(as: FaultSettings.self)
        if let (key, allowed) = settings.complaint {
            throw Problem(key.rawValue, type: "out_of_range", msg: "Input should be \(allowed)")
        }
        self.faults.set(settings)
        return settings
    }

    func clear(_ request: Request, _ context: DemoContext) async throws -> FaultSettings {
        self.faults.set(FaultSettings())
        return self.faults.settings
    }
}
