import Foundation

/// A long short-term memory network with one input and one output: reads a series value by value and says after
/// each value what it expects next.
///
/// Small on purpose (a few hundred parameters), but the whole of it: four gates, a cell that carries memory, training
/// by back-propagation through time (`LSTMNetwork+Gradient`). A value of this type is immutable state that any number
/// of requests may read at once.
struct LSTMNetwork: Sendable, Equatable {
    let shape: LSTMShape
    var parameters: [Double]

    /// Takes as many parameters as `shape.parameterCount`, in the order that `LSTMShape` describes.
    init(shape: LSTMShape, parameters: [Double]) {
        precondition(parameters.count == shape.parameterCount, "\(parameters.count) parameters for \(shape)")
        self.shape = shape
        self.parameters = parameters
    }

    /// Weights drawn evenly from ±1/√hidden; the forget gate starts open (bias 1), so that early training remembers.
    init(shape: LSTMShape, seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let bound = 1 / Double(shape.hidden).squareRoot()
        var parameters = (0..<shape.parameterCount).map { _ in Double.random(in: -bound...bound, using: &generator) }
        for unit in 0..<shape.hidden { parameters[shape.rowStart(gate: LSTMShape.forget, unit: unit) + 1] = 1 }
        self.init(shape: shape, parameters: parameters)
    }

    /// Reads the whole series from a state of zeros.
    func forward(_ inputs: [Double]) -> LSTMTape {
        var tape = LSTMTape(shape: self.shape, inputs: inputs)
        for step in inputs.indices { self.advance(&tape, step: step) }
        return tape
    }

    private func advance(_ tape: inout LSTMTape, step: Int) {
        let hidden = self.shape.hidden
        let before = step * hidden
        for unit in 0..<hidden {
            let input = sigmoid(self.activation(of: LSTMShape.input, unit, tape, step))
            let forget = sigmoid(self.activation(of: LSTMShape.forget, unit, tape, step))
            let candidate = tanh(self.activation(of: LSTMShape.candidate, unit, tape, step))
            let output = sigmoid(self.activation(of: LSTMShape.output, unit, tape, step))
            let cell = forget * tape.cells[before + unit] + input * candidate
            let gates = step * LSTMShape.gates * hidden + unit
            tape.gates[gates + LSTMShape.input * hidden] = input
            tape.gates[gates + LSTMShape.forget * hidden] = forget
            tape.gates[gates + LSTMShape.candidate * hidden] = candidate
            tape.gates[gates + LSTMShape.output * hidden] = output
            tape.cells[before + hidden + unit] = cell
            tape.outputs[before + hidden + unit] = output * tanh(cell)
        }
        tape.forecasts[step] = self.forecast(tape, step: step)
    }

    /// The weighted sum that enters a gate: of the input, the bias and the outputs of the step before.
    private func activation(of gate: Int, _ unit: Int, _ tape: LSTMTape, _ step: Int) -> Double {
        let row = self.shape.rowStart(gate: gate, unit: unit)
        let before = step * self.shape.hidden
        var sum = self.parameters[row] * tape.inputs[step] + self.parameters[row + 1]
        for other in 0..<self.shape.hidden { sum += self.parameters[row + 2 + other] * tape.outputs[before + other] }
        return sum
    }

    private func forecast(_ tape: LSTMTape, step: Int) -> Double {
        let after = (step + 1) * self.shape.hidden
        var sum = self.parameters[self.shape.outputBias]
        for unit in 0..<self.shape.hidden {
            sum += self.parameters[self.shape.outputStart + unit] * tape.outputs[after + unit]
        }
        return sum
    }

    private func sigmoid(_ value: Double) -> Double { 1 / (1 + exp(-value)) }
}
