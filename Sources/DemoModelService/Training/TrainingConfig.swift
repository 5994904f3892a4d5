/// What a caller may say about a training run; what is left out comes from the version's default recipe.
struct TrainingConfig: Sendable, Decodable {
    var epochs: Int?
    var learningRate: Double?
    var hidden: Int?
    var window: Int?
    var seed: UInt64?
    /// The series. Default: the sunspots without their last fifty years.
    var data: [Double]?
    var modelVersion: String?
    var wait: Bool?

    enum CodingKeys: String, CodingKey {
        case epochs
        case learningRate = "learning_rate"
        case hidden, window, seed, data
        case modelVersion = "model_version"
        case wait
    }

    /// The order that comes of it, checked; `data` wins over the default series.
    func order(version: String, data: [Double]?, recipe: Recipe, load: Bool = false) throws(Problem) -> TrainingOrder {
        guard VersionName.allows(version) else {
            throw Self.problem(.modelVersion, "a name like \(VersionName.pattern)")
        }
        var recipe = recipe
        recipe.epochs = try Self.pick(self.epochs, recipe.epochs, 1...10_000, .epochs)
        recipe.hidden = try Self.pick(self.hidden, recipe.hidden, 1...LSTMShape.hiddenMax, .hidden)
        recipe.window = try Self.pick(self.window, recipe.window, 2...256, .window)
        recipe.learningRate = try Self.pick(self.learningRate, recipe.learningRate, 1e-6...1, .learningRate)
        recipe.seed = self.seed ?? recipe.seed
        let values = data ?? Sunspots.training
        try SeriesRule.check(values, at: self.data == nil ? ["data"] : ["config", "data"], countMin: 8)
        let order = TrainingOrder(version: version, recipe: recipe, values: values, load: load)
        guard order.work <= TrainingOrder.workMax else {
            throw Self.problem(.epochs, "fewer: epochs times values times hidden squared is too much work")
        }
        return order
    }

    private static func pick<Value: Comparable>(
        _ asked: Value?,
        _ standard: Value,
        _ allowed: ClosedRange<Value>,
        _ key: CodingKeys
    ) throws(Problem) -> Value {
        guard let asked else { return standard }
        guard allowed.contains(asked) else { throw Self.problem(key, "\(allowed.lowerBound) to \(allowed.upperBound)") }
        return asked
    }

    private static func problem(_ key: CodingKeys, _ allowed: String) -> Problem {
        Problem("config", key.rawValue, type: "out_of_range", msg: "Input should be \(allowed)")
    }
}
