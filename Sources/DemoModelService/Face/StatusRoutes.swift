import Hummingbird

/// `GET /health`, `GET /info`, `GET /_stats`: what the service says about itself.
struct StatusRoutes: Sendable {
    struct Health: ResponseEncodable {
        let status: String
        let modelType: String
        let modelVersion: String?
        let versions: [String]
        let instance: String
    }

    struct Info: ResponseEncodable {
        let modelType: String
        let modelVersion: String?
        let capabilities: [String]
        let versions: [String]
        let instance: String
    }

    let service: ServiceConfiguration
    let models: ServedModels
    let counters: Counters
    let faults: FaultSwitch

    func health(_ request: Request, _ context: DemoContext) async throws -> EditedResponse<Health> {
        let shelf = self.models.snapshot
        let fault = self.faults.settings.health ?? .ok
        if fault == .hang { _ = try await Silence.keep(request, on: context.channel) }
        let well = fault == .ok && shelf.current != nil
        let health = Health(
            status: well ? "healthy" : "unhealthy",
            modelType: self.service.modelType,
            modelVersion: shelf.current,
            versions: shelf.entries.map(\.version),
            instance: self.service.name
        )
        return EditedResponse(status: well ? .ok : .serviceUnavailable, response: health)
    }

    func info(_ request: Request, _ context: DemoContext) async throws -> Info {
        let shelf = self.models.snapshot
        return Info(
            modelType: self.service.modelType,
            modelVersion: shelf.current,
            capabilities: self.service.capabilities,
            versions: shelf.entries.map(\.version),
            instance: self.service.name
        )
    }

    func stats(_ request: Request, _ context: DemoContext) async throws -> Counters.Figures {
        var figures = self.counters.snapshot
        figures.faulted = self.faults.met
        return figures
    }
}
