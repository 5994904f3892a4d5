/// What is to be trained: on what, how, under which name, and whether it answers at once when it is done.
struct TrainingOrder: Sendable, Equatable {
    /// Multiply-adds of a run, counted for the forward pass; about a minute of one core in a release build.
    static let workMax = 5_000_000_000

    let version: String
    let recipe: Recipe
    /// The caller's values, not scaled.
    let values: [Double]
    let load: Bool

    /// The largest value becomes 1; sunspots keep their own scale, so that versions compare.
    var scale: Double {
        guard self.values != Sunspots.training else { return Sunspots.scale }
        let largest = self.values.reduce(0) { max($0, abs($1)) }
        return largest > 1e-100 ? largest : 1
    }

    var work: Int { self.recipe.epochs * self.values.count * self.recipe.hidden * (self.recipe.hidden + 2) }

    func makeRun() -> TrainingRun {
        let scale = self.scale
        return TrainingRun(recipe: self.recipe, series: self.values.map { $0 / scale })
    }
}
