/// The optimiser: turns a gradient into a step, scaled per parameter by what its gradients were before.
///
/// Gradients are clipped to a length first: one strange chunk of a series must not throw the weights away.
struct Adam: Sendable, Equatable {
    static let gradientLengthMax = 1.0
    private static let meanDecay = 0.9
    private static let squareDecay = 0.999

    private let learningRate: Double
    private var means: [Double]
    private var squares: [Double]
    private var steps = 0

    init(learningRate: Double, parameterCount: Int) {
        self.learningRate = learningRate
        self.means = [Double](repeating: 0, count: parameterCount)
        self.squares = self.means
    }

    mutating func step(_ parameters: inout [Double], gradient: [Double]) {
        self.steps += 1
        let length = gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
        let scale = length > Self.gradientLengthMax ? Self.gradientLengthMax / length : 1
        let meanShare = 1 - Self.power(Self.meanDecay, self.steps)
        let squareShare = 1 - Self.power(Self.squareDecay, self.steps)
        for index in parameters.indices {
            let slope = gradient[index] * scale
            self.means[index] = Self.meanDecay * self.means[index] + (1 - Self.meanDecay) * slope
            self.squares[index] = Self.squareDecay * self.squares[index] + (1 - Self.squareDecay) * slope * slope
            let spread = (self.squares[index] / squareShare).squareRoot() + 1e-8
            parameters[index] -= self.learningRate * (self.means[index] / meanShare) / spread
        }
    }

    private static func power(_ base: Double, _ exponent: Int) -> Double {
        var (result, factor, left) = (1.0, base, exponent)
        while left > 0 {
            if left & 1 == 1 { result *= factor }
            factor *= factor
            left >>= 1
        }
        return result
    }
}
