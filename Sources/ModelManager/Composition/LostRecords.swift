import ClusterState
import ControlLoops
import Registry

/// Tells "there is no such thing" from "Redis has just lost it and will be given it back".
///
/// An emptied Redis, or a primary that missed the last changes, knows less than the replicas for a second or two. Who
/// orders something meanwhile must not hear that the service does not exist: it does, and predictions go there.
/// Made before an order is sent, asked only when the store did not find what it was about.
struct LostRecords {
    private let state: ClusterState
    private let generation: Generation
    private let epoch: Epoch

    init(_ store: StoreParts) {
        self.state = store.state
        (self.generation, self.epoch) = store.follower.place
    }

    /// Whether the store holds less than this replica knew to be in it, or another registry. When it cannot be asked,
    /// nothing it said before is worth believing either.
    func areMissed() async -> Bool {
        guard self.generation != .none else { return false }
        do throws(StateError) {
            switch try await self.state.sync(generation: self.generation, since: self.epoch) {
            case .empty, .lost: return true
            case .unchanged(let head), .delta(let head, _), .full(let head): return head.generation != self.generation
            }
        } catch {
            return true
        }
    }

    /// What a caller is told of an order that failed.
    func problem(_ error: StateError) async -> Problem {
        if error.code == .notFound, await self.areMissed() { return Self.problem }
        return Problem(error)
    }

    static let problem = Problem(
        .storeUnavailable,
        "Redis has lost records, and the replicas are giving them back",
        detail: "nothing was changed; send the same request again",
        retryAfter: 1
    )
}
