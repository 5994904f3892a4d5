/// All that decides what a training run brings forth: the same recipe gives the same parameters.
struct Recipe: Sendable, Equatable {
    /// Units of the hidden state, 1...64. Default 8.
    var hidden = 8
    /// Steps that back-propagation goes back in time, 2...256. Default 32: three of the sun's cycles.
    var window = 32
    /// Passes over the series, 1...10,000. Default 60.
    var epochs = 60
    /// Size of the optimiser's steps. Default 0.01; above about 0.1 the loss jumps about.
    var learningRate = 0.01
    /// Where the weights and the chunks' offsets come from.
    var seed: UInt64 = 1
}
