import ControlLoops
import Registry
import Synchronization

/// Leads when it is told to.
final class FakeLeadership: Leadership {
    private let state: Mutex<(term: Term?, handlers: [@Sendable () -> Void])>

    /// Leads from the start under the term.
    init(_ term: Term? = Term(1)) { self.state = Mutex((term, [])) }

    var term: Term? { self.state.withLock { $0.term } }

    func onElected(_ handler: @escaping @Sendable () -> Void) {
        self.state.withLock { $0.handlers.append(handler) }
    }

    func elect(_ term: Term) {
        let handlers = self.state.withLock { state in
            state.term = term
            return state.handlers
        }
        for handler in handlers { handler() }
    }

    func depose() { self.state.withLock { $0.term = nil } }
}
