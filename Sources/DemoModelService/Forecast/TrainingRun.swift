/// Trains a network on a series, one epoch per call, so that whoever drives it can report progress, yield or stop.
///
/// An epoch cuts the series into chunks of `window` steps and makes one optimiser step per chunk. The first cut moves
/// from epoch to epoch, else the network would only ever meet a few phases of a cycle right after its state of zeros.
struct TrainingRun: Sendable, Equatable {
    let recipe: Recipe
    private(set) var network: LSTMNetwork
    private let series: [Double]
    private var optimiser: Adam
    private var generator: SeededGenerator

    /// Takes a series of at least two values, scaled to about ±1.
    init(recipe: Recipe, series: [Double]) {
        precondition(series.count >= 2, "a series of \(series.count) has no next value to learn")
        let shape = LSTMShape(hidden: recipe.hidden)
        self.recipe = recipe
        self.series = series
        self.network = LSTMNetwork(shape: shape, seed: recipe.seed)
        self.optimiser = Adam(learningRate: recipe.learningRate, parameterCount: shape.parameterCount)
        self.generator = SeededGenerator(seed: recipe.seed &+ 1)
    }

    /// The loss over the whole series with the present parameters.
    var loss: Double {
        let tape = self.network.forward(Array(self.series.dropLast()))
        return self.network.loss(of: tape, targets: Array(self.series.dropFirst()))
    }

    mutating func epoch() {
        let steps = self.series.count - 1
        let window = min(self.recipe.window, steps)
        var start = steps > window ? Int.random(in: 0..<window, using: &self.generator) : 0
        repeat {
            let end = min(start + window, steps)
            let loss = self.network.lossAndGradient(
                inputs: Array(self.series[start..<end]),
                targets: Array(self.series[(start + 1)...end])
            )
            self.optimiser.step(&self.network.parameters, gradient: loss.gradient)
            start = end
        } while start < steps
    }
}
