/// What a service is, decided once at its start.
struct ServiceConfiguration: Sendable {
    /// Accepts every model type that callers name.
    static let anyType = "any"

    var name = "demo"
    var modelType = "LSTM"
    var versions = ["v1"]
    var capabilities = ["training", "prediction"]
    var host = "127.0.0.1"
    /// 0: the system picks one.
    var port = 0
    var seed: UInt64 = 1
    /// How its versions are trained; each puts a seed of its own in.
    var recipe = Recipe()
    var faults = FaultSettings()

    /// Only a type whose name says that it forecasts several steps does so.
    var horizonMax: Int {
        self.modelType == Self.anyType || self.modelType.contains("MULTISTEP") ? Forecaster.horizonMax : 1
    }

    func serves(_ type: String) -> Bool { self.modelType == Self.anyType || self.modelType == type }

    /// The default recipe of a version: its name decides the weights it starts from, so that versions differ and yet
    /// every instance of a service has the same ones.
    func recipe(for version: String) -> Recipe {
        var recipe = self.recipe
        recipe.seed = version.utf8.reduce(self.seed &+ 0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        return recipe
    }
}
