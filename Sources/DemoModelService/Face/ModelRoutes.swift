import Hummingbird

/// `GET /models`, `POST /models/{version}/load` and `/unload`: the part of deployment that is the service's.
///
/// Loading a version that nobody trained yet trains it at once, from its name's own seed: the recipe is this service's
/// only store of artifacts.
struct ModelRoutes: Sendable {
    struct Listing: ResponseEncodable {
        let versions: [Line]
    }

    struct Line: ResponseEncodable {
        let version: String
        let state: String
    }

    struct LoadOrder: Decodable {
        var artifact: String?
        var parameters: TrainingConfig?
    }

    let service: ServiceConfiguration
    let models: ServedModels
    let training: TrainRoutes

    func list(_ request: Request, _ context: DemoContext) async throws -> Listing {
        let kept = self.models.snapshot.entries.map { Line(version: $0.version, state: $0.state.rawValue) }
        let promised = await self.training.jobs.promisedVersions.sorted().map { Line(version: $0, state: "loading") }
        return Listing(versions: kept + promised.filter { line in !kept.contains { $0.version == line.version } })
    }

    func load(_ request: Request, _ context: DemoContext) async throws -> Line {
        let version = try context.parameters.require("version")
        let order = try await request.decodeBody(as: LoadOrder.self, whenEmpty: LoadOrder())
        guard order.artifact == nil else {
            throw Problem(
                "artifact",
                type: "unsupported",
                msg: "This service trains its versions; it reads no artifacts"
            )
        }
        if !self.models.set(version, to: .ready) { try await self.make(version, order.parameters ?? .init()) }
        return Line(version: version, state: ModelShelf.State.ready.rawValue)
    }

    func unload(_ request: Request, _ context: DemoContext) async throws -> Line {
        let version = try context.parameters.require("version")
        guard self.models.set(version, to: .unloaded) else {
            throw Problem(.notFound, "there is no version \(version)")
        }
        return Line(version: version, state: ModelShelf.State.unloaded.rawValue)
    }

    private func make(_ version: String, _ config: TrainingConfig) async throws {
        let recipe = self.service.recipe(for: version)
        try await self.training.complete(
            config.order(version: version, data: config.data, recipe: recipe, load: true)
        )
    }
}
