import Hummingbird
import Synchronization

/// What the service did so far, shown at `GET /_stats`: the counterpart's view, against which a manager's is held.
final class Counters: Sendable {
    struct Figures: Sendable, Equatable, ResponseEncodable {
        var instance: String
        /// Predictions that were computed, also those whose answer a fault then tore.
        var predictions = 0
        var predictionsByVersion: [String: Int] = [:]
        /// Requests to `/predict` and `/train` at present, and the most there ever were.
        var inFlight = 0
        var inFlightMost = 0
        /// Requests that met a fault since the switch was last set.
        var faulted = 0
    }

    private let figures: Mutex<Figures>

    init(instance: String) { self.figures = Mutex(Figures(instance: instance)) }

    var snapshot: Figures { self.figures.withLock { $0 } }

    func countPrediction(version: String) {
        self.figures.withLock {
            $0.predictions += 1
            $0.predictionsByVersion[version, default: 0] += 1
        }
    }

    func begin() {
        self.figures.withLock {
            $0.inFlight += 1
            $0.inFlightMost = max($0.inFlightMost, $0.inFlight)
        }
    }

    func end() { self.figures.withLock { $0.inFlight -= 1 } }
}
