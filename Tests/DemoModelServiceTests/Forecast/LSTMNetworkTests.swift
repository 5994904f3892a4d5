import Foundation
import Testing

@testable import DemoModelService

@Suite struct `An LSTM network` {
    /// One unit; rows are `[weight of x, bias, weight of h]` for input, forget, candidate and output, then `[wy, by]`.
    private static let oneUnit: [Double] = [
        0.4, -0.1, 0.3, -0.2, 0.5, 0.1, 0.7, 0.05, -0.6, 0.25, 0.15, 0.2, 1.5, -0.2,
    ]

    /// Worked out by hand: with x = 0.5 and nothing remembered, i = σ(0.1) = 0.524979, f = σ(0.4) = 0.598688,
    /// g = tanh(0.4) = 0.379949, o = σ(0.275) = 0.568320; c = i·g = 0.199465, h = o·tanh(c) = 0.111880,
    /// y = 1.5·h - 0.2 = -0.032180; the next two steps in the same way, with c and h of the step before.
    @Test func `computes what the formulas give by hand`() {
        let tape = LSTMNetwork(shape: LSTMShape(hidden: 1), parameters: Self.oneUnit).forward([0.5, -1, 0.25])
        let gates = [
            0.524979187479, 0.598687660112, 0.379948962255, 0.568319983478,
            0.385460159523, 0.670663617055, -0.615127266172, 0.480603751534,
            0.496288603972, 0.609462013321, 0.249323848537, 0.550478140167,
        ]
        #expect(near(tape.gates, gates))
        #expect(near(tape.cells, [0, 0.199465297488, -0.103332936256, 0.060759085355]))
        #expect(near(tape.outputs, [0, 0.111880264151, -0.049486189250, 0.033405451157]))
        #expect(near(tape.forecasts, [-0.032179603774, -0.274229283875, -0.149891823265]))
    }

    private func near(_ left: [Double], _ right: [Double]) -> Bool {
        left.count == right.count && zip(left, right).allSatisfy { abs($0 - $1) < 1e-11 }
    }

    /// Every parameter in turn is moved a little up and down; the change of the loss must be what the backward pass says.
    @Test(arguments: [(1, 3), (2, 7), (5, 12), (3, 1)])
    func `finds the gradient that moving each parameter shows`(hidden: Int, steps: Int) {
        let seed = ProcessInfo.processInfo.environment["SEED"].flatMap { UInt64($0) } ?? .random(in: 0...9999)
        var generator = SeededGenerator(seed: seed)
        let series = (0...steps).map { _ in Double.random(in: -1...1, using: &generator) }
        let (inputs, targets) = (Array(series.dropLast()), Array(series.dropFirst()))
        let network = LSTMNetwork(shape: LSTMShape(hidden: hidden), seed: seed)
        let gradient = network.lossAndGradient(inputs: inputs, targets: targets).gradient
        for index in network.parameters.indices {
            let measured = slope(of: network, at: index, inputs, targets)
            let distance = abs(measured - gradient[index]) / max(abs(measured) + abs(gradient[index]), 1e-4)
            #expect(distance < 1e-5, "SEED=\(seed): parameter \(index): \(gradient[index]), measured \(measured)")
        }
    }

    private func slope(of network: LSTMNetwork, at index: Int, _ inputs: [Double], _ targets: [Double]) -> Double {
        func loss(moved by: Double) -> Double {
            var moved = network
            moved.parameters[index] += by
            return moved.loss(of: moved.forward(inputs), targets: targets)
        }
        return (loss(moved: 1e-5) - loss(moved: -1e-5)) / 2e-5
    }

    @Test func `has as many parameters as its gates and its output need`() {
        #expect(LSTMShape(hidden: 1).parameterCount == 14)
        #expect(LSTMShape(hidden: 8).parameterCount == 4 * 8 * 10 + 9)
    }

    @Test func `starts with an open forget gate`() {
        let network = LSTMNetwork(shape: LSTMShape(hidden: 3), seed: 5)
        let biases = (0..<3).map { network.parameters[network.shape.rowStart(gate: LSTMShape.forget, unit: $0) + 1] }
        #expect(biases == [1, 1, 1])
    }
}

@Suite struct `The optimiser` {
    @Test func `goes one learning rate down the slope at first, however steep it is`() {
        for steepness in [1e-3, 1, 1e6] {
            var optimiser = Adam(learningRate: 0.1, parameterCount: 2)
            var parameters = [1.0, 1.0]
            optimiser.step(&parameters, gradient: [steepness, -steepness])
            #expect(abs(parameters[0] - 0.9) < 1e-5)
            #expect(abs(parameters[1] - 1.1) < 1e-5)
        }
    }

    @Test func `a single wild gradient does not outweigh the ones after it`() {
        var optimiser = Adam(learningRate: 0.01, parameterCount: 1)
        var parameters = [0.0]
        optimiser.step(&parameters, gradient: [1e9])
        for _ in 0..<200 { optimiser.step(&parameters, gradient: [-0.5]) }
        #expect(parameters[0] > 1)
    }
}
