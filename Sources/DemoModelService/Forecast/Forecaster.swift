/// A trained network together with the scale of its series: takes and gives values as the caller knows them.
struct Forecaster: Sendable, Equatable {
    /// Older values than these are not read: an LSTM this small has long forgotten them, and it bounds the work.
    static let contextMax = 512
    static let horizonMax = 64

    let network: LSTMNetwork
    let scale: Double

    /// The next `horizon` values of the series. From the second on, each forecast is read as if it had happened.
    func predict(after values: [Double], horizon: Int) -> [Double] {
        precondition(!values.isEmpty && (1...Self.horizonMax).contains(horizon), "\(values.count) values, \(horizon)")
        var context = values.suffix(Self.contextMax).map { $0 / self.scale }
        var predictions: [Double] = []
        while predictions.count < horizon {
            let next = self.network.forward(context).forecasts[context.count - 1]
            predictions.append(next * self.scale)
            context.append(next)
        }
        return predictions
    }
}
