/// What a forward pass leaves behind so that the backward pass can walk it in reverse.
///
/// Every list is flat: entry `step * hidden + unit`. `cells` and `outputs` begin with the initial state of zeros, so
/// the state *before* step `t` stands at row `t` and the state after it at row `t + 1`.
struct LSTMTape: Sendable, Equatable {
    let inputs: [Double]
    /// Gate values after their activation, entry `(step * 4 + gate) * hidden + unit`.
    var gates: [Double]
    var cells: [Double]
    var outputs: [Double]
    /// What the network said after each step: its forecast of the next input.
    var forecasts: [Double]

    init(shape: LSTMShape, inputs: [Double]) {
        self.inputs = inputs
        self.gates = [Double](repeating: 0, count: inputs.count * LSTMShape.gates * shape.hidden)
        self.cells = [Double](repeating: 0, count: (inputs.count + 1) * shape.hidden)
        self.outputs = self.cells
        self.forecasts = [Double](repeating: 0, count: inputs.count)
    }
}
