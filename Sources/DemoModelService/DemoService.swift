import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle

/// Puts the service together: trains its versions, wires the routes, and says how it is run.
struct DemoService: Sendable {
    let configuration: ServiceConfiguration
    let models = ServedModels()
    let jobs: TrainingJobs
    private let counters: Counters
    private let faults: FaultSwitch

    /// Trains every version of the configuration.
    init(_ configuration: ServiceConfiguration) {
        self.configuration = configuration
        self.counters = Counters(instance: configuration.name)
        self.faults = FaultSwitch(configuration.faults)
        self.jobs = TrainingJobs(modelType: configuration.modelType, models: self.models)
        for version in configuration.versions {
            let order = TrainingOrder(
                version: version,
                recipe: configuration.recipe(for: version),
                values: Sunspots.training,
                load: true
            )
            var run = order.makeRun()
            for _ in 0..<order.recipe.epochs { run.epoch() }
            _ = self.models.put(version, Forecaster(network: run.network, scale: order.scale), state: .ready)
        }
    }

    /// What `runService()` runs; `onRunning` is told the port once the service listens.
    func application(
        logger: Logger,
        services: [any Service] = [],
        onRunning: @escaping @Sendable (Int) async -> Void
    ) -> some ApplicationProtocol {
        Application(
            router: self.router(),
            server: .http1(configuration: .init(idleTimeout: .seconds(60))),
            configuration: .init(address: .hostname(self.configuration.host, port: self.configuration.port)),
            services: [self.jobs] + services,
            onServerRunning: { await onRunning($0.localAddress?.port ?? 0) },
            logger: logger
        )
    }

    private func router() -> Router<DemoContext> {
        let router = Router(context: DemoContext.self)
        router.middlewares.add(ProblemMiddleware())
        router.middlewares.add(CountingMiddleware(counters: self.counters))
        router.middlewares.add(FaultMiddleware(faults: self.faults))
        let status = StatusRoutes(
            service: self.configuration,
            models: self.models,
            counters: self.counters,
            faults: self.faults
        )
        let predict = PredictRoute(service: self.configuration, models: self.models, counters: self.counters)
        let train = TrainRoutes(service: self.configuration, models: self.models, jobs: self.jobs)
        let models = ModelRoutes(service: self.configuration, models: self.models, training: train)
        let faults = FaultRoutes(faults: self.faults)
        router.get("health", use: status.health)
        router.get("info", use: status.info)
        router.get("_stats", use: status.stats)
        router.post("predict", use: predict.answer)
        router.post("train", use: train.train)
        router.get("train", use: train.find)
        router.get("train/:job", use: train.show)
        router.delete("train/:job", use: train.cancel)
        router.get("models", use: models.list)
        router.post("models/:version/load", use: models.load)
        router.post("models/:version/unload", use: models.unload)
        router.get("_fault", use: faults.show)
        router.post("_fault", use: faults.set)
        router.delete("_fault", use: faults.clear)
        return router
    }
}
