import Testing

@testable import DemoModelService

@Suite struct `A training run` {
    /// The series as the network meets it.
    private static let series = Sunspots.training.map { $0 / Sunspots.scale }

    private static func trained(_ version: String, seed: UInt64 = 1) -> (before: Double, run: TrainingRun) {
        var run = TrainingRun(recipe: ServiceConfiguration(seed: seed).recipe(for: version), series: Self.series)
        let before = run.loss
        for _ in 0..<run.recipe.epochs { run.epoch() }
        return (before, run)
    }

    @Test func `lowers the loss on the sunspots to a fifth at least`() {
        let (before, run) = Self.trained("v1")
        #expect(run.loss < before / 5, "\(before) became \(run.loss)")
    }

    /// Measured at the time of writing: root mean squared error 15 to 17 against 30.3 of the naive forecast.
    @Test(arguments: ["v1", "v2"])
    func `forecasts years it never saw better than the naive forecast that next year is like this one`(version: String)
    {
        let forecaster = Forecaster(network: Self.trained(version).run.network, scale: Sunspots.scale)
        let error = rootMeanSquare { forecaster.predict(after: $0, horizon: 1)[0] }
        let naive = rootMeanSquare { $0[$0.count - 1] }
        #expect(error < 0.75 * naive, "\(error) against \(naive)")
    }

    /// One step ahead over the held-out years, each from the 24 years before it.
    private func rootMeanSquare(_ forecast: ([Double]) -> Double) -> Double {
        let years = Sunspots.values.indices.suffix(Sunspots.heldOutYears)
        let squares = years.map { year in
            let error = forecast(Array(Sunspots.values[(year - 24)..<year])) - Sunspots.values[year]
            return error * error
        }
        return (squares.reduce(0, +) / Double(squares.count)).squareRoot()
    }

    @Test func `gives the same parameters for the same recipe, and others for another seed`() {
        func parameters(seed: UInt64) -> [Double] {
            var run = TrainingRun(recipe: Recipe(hidden: 3, window: 8, epochs: 2, seed: seed), series: Self.series)
            for _ in 0..<2 { run.epoch() }
            return run.network.parameters
        }
        #expect(parameters(seed: 7) == parameters(seed: 7))
        #expect(parameters(seed: 7) != parameters(seed: 8))
    }

    @Test(arguments: [2, 3, 31, 32, 33, 34, 65])
    func `takes series shorter and longer than its window`(count: Int) {
        var run = TrainingRun(recipe: Recipe(hidden: 2, learningRate: 0.05), series: Array(Self.series.prefix(count)))
        let before = run.loss
        for _ in 0..<40 { run.epoch() }
        #expect(run.loss < before)
    }

    @Test func `the series is the known one`() {
        #expect(Sunspots.values.count == 309)
        #expect(Sunspots.values.first == 5)
        #expect(Sunspots.values.last == 2.9)
        #expect(Sunspots.training.count == 259)
    }
}

@Suite struct `A forecaster` {
    private let forecaster = Forecaster(network: LSTMNetwork(shape: LSTMShape(hidden: 4), seed: 3), scale: 200)

    @Test func `reads each of its forecasts as if it had happened`() {
        let first = self.forecaster.predict(after: [10, 20, 30], horizon: 1)
        let second = self.forecaster.predict(after: [10, 20, 30] + first, horizon: 1)
        #expect(self.forecaster.predict(after: [10, 20, 30], horizon: 2) == first + second)
    }

    @Test func `does not read values older than its context`() {
        let recent = (0..<Forecaster.contextMax).map { Double($0 % 11) }
        let old = [Double](repeating: 1e6, count: 1000)
        #expect(
            self.forecaster.predict(after: old + recent, horizon: 1)
                == self.forecaster.predict(after: recent, horizon: 1)
        )
    }

    @Test(arguments: [1e100, -1e100, 0, 1e-300])
    func `stays a number for any number`(value: Double) {
        let predictions = self.forecaster.predict(after: [value, 1, value], horizon: 3)
        let finite = predictions.allSatisfy { $0.isFinite }
        #expect(finite)
    }
}
