/// Says where each weight of an LSTM with one input and one output lies in one flat list of parameters.
///
/// One list, because the optimiser and the numerical gradient check treat all parameters alike.
/// First come four blocks of `hidden` rows, one block per gate in the order input, forget, candidate, output; a row is
/// `[weight of x, bias, weight of h0 … weight of h(hidden-1)]`. Then the output row `[weight of h0 …, bias]`.
struct LSTMShape: Sendable, Equatable {
    static let gates = 4
    static let input = 0
    static let forget = 1
    static let candidate = 2
    static let output = 3
    static let hiddenMax = 64

    /// Units of the hidden state.
    let hidden: Int

    init(hidden: Int) {
        precondition((1...Self.hiddenMax).contains(hidden), "hidden must lie in 1...\(Self.hiddenMax): \(hidden)")
        self.hidden = hidden
    }

    var rowLength: Int { self.hidden + 2 }
    var outputStart: Int { Self.gates * self.hidden * self.rowLength }
    var outputBias: Int { self.outputStart + self.hidden }
    var parameterCount: Int { self.outputBias + 1 }

    func rowStart(gate: Int, unit: Int) -> Int { (gate * self.hidden + unit) * self.rowLength }
}
