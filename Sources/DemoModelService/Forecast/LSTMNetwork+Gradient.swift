import Foundation

/// Back-propagation through time: how the loss changes with each parameter, found by walking the tape backwards.
extension LSTMNetwork {
    /// The mean of half the squared error over the steps, and its gradient.
    struct Loss: Sendable, Equatable {
        var value: Double
        var gradient: [Double]
    }

    /// What later steps say about the state they received; it flows from step to step, backwards.
    private struct Flow {
        var outputs: [Double]
        var cells: [Double]
    }

    func loss(of tape: LSTMTape, targets: [Double]) -> Double {
        precondition(targets.count == tape.forecasts.count, "\(targets.count) targets, \(tape.forecasts.count) steps")
        let squares = zip(tape.forecasts, targets).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        return squares / Double(2 * max(targets.count, 1))
    }

    func lossAndGradient(inputs: [Double], targets: [Double]) -> Loss {
        let tape = self.forward(inputs)
        let zeros = [Double](repeating: 0, count: self.shape.hidden)
        var gradient = [Double](repeating: 0, count: self.shape.parameterCount)
        var flow = Flow(outputs: zeros, cells: zeros)
        for step in inputs.indices.reversed() {
            let error = (tape.forecasts[step] - targets[step]) / Double(inputs.count)
            self.retraceOutput(error, tape, step, &flow, &gradient)
            self.retraceGates(tape, step, &flow, &gradient)
        }
        return Loss(value: self.loss(of: tape, targets: targets), gradient: gradient)
    }

    private func retraceOutput(
        _ error: Double,
        _ tape: LSTMTape,
        _ step: Int,
        _ flow: inout Flow,
        _ gradient: inout [Double]
    ) {
        let after = (step + 1) * self.shape.hidden
        gradient[self.shape.outputBias] += error
        for unit in 0..<self.shape.hidden {
            gradient[self.shape.outputStart + unit] += error * tape.outputs[after + unit]
            flow.outputs[unit] += error * self.parameters[self.shape.outputStart + unit]
        }
    }

    private func retraceGates(_ tape: LSTMTape, _ step: Int, _ flow: inout Flow, _ gradient: inout [Double]) {
        let hidden = self.shape.hidden
        var earlier = Flow(outputs: [Double](repeating: 0, count: hidden), cells: flow.cells)
        for unit in 0..<hidden {
            let slopes = self.slopes(tape, step, unit, flow)
            earlier.cells[unit] = slopes.cellBefore
            for (gate, slope) in [slopes.input, slopes.forget, slopes.candidate, slopes.output].enumerated() {
                self.retraceRow(gate, unit, slope, tape, step, &earlier, &gradient)
            }
        }
        flow = earlier
    }

    /// How the loss changes with what entered each gate of one unit, and with the unit's cell before the step.
    private func slopes(
        _ tape: LSTMTape,
        _ step: Int,
        _ unit: Int,
        _ flow: Flow
    ) -> (input: Double, forget: Double, candidate: Double, output: Double, cellBefore: Double) {
        let hidden = self.shape.hidden
        let gates = step * LSTMShape.gates * hidden + unit
        let input = tape.gates[gates + LSTMShape.input * hidden]
        let forget = tape.gates[gates + LSTMShape.forget * hidden]
        let candidate = tape.gates[gates + LSTMShape.candidate * hidden]
        let output = tape.gates[gates + LSTMShape.output * hidden]
        let squashed = tanh(tape.cells[(step + 1) * hidden + unit])
        let cell = flow.cells[unit] + flow.outputs[unit] * output * (1 - squashed * squashed)
        return (
            input: cell * candidate * input * (1 - input),
            forget: cell * tape.cells[step * hidden + unit] * forget * (1 - forget),
            candidate: cell * input * (1 - candidate * candidate),
            output: flow.outputs[unit] * squashed * output * (1 - output),
            cellBefore: cell * forget
        )
    }

    private func retraceRow(
        _ gate: Int,
        _ unit: Int,
        _ slope: Double,
        _ tape: LSTMTape,
        _ step: Int,
        _ earlier: inout Flow,
        _ gradient: inout [Double]
    ) {
        let row = self.shape.rowStart(gate: gate, unit: unit)
        let before = step * self.shape.hidden
        gradient[row] += slope * tape.inputs[step]
        gradient[row + 1] += slope
        for other in 0..<self.shape.hidden {
            gradient[row + 2 + other] += slope * tape.outputs[before + other]
            earlier.outputs[other] += slope * self.parameters[row + 2 + other]
        }
    }
}
