import Synchronization

/// The shelf as all requests share it.
final class ServedModels: Sendable {
    private let shelf = Mutex(ModelShelf())

    var snapshot: ModelShelf { self.shelf.withLock { $0 } }

    func find(_ version: String?) -> ModelShelf.FindAction { self.shelf.withLock { $0.find(version) } }

    func put(_ version: String, _ forecaster: Forecaster, state: ModelShelf.State) -> ModelShelf.PutAction {
        self.shelf.withLock { $0.put(version, forecaster, state: state) }
    }

    func set(_ version: String, to state: ModelShelf.State) -> Bool {
        self.shelf.withLock { $0.set(version, to: state) }
    }
}
