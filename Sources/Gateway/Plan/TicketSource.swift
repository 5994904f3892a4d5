internal import Synchronization

/// The round-robin cursor of one pool, shared by all event loops of the replica.
///
/// Every first try takes the next number; `PickTable` makes a member of it. It survives snapshots, so that a change of
/// the registry does not start every pool over at its first member.
final class TicketSource: Sendable {
    /// The number that `take` would give next.
    var upcoming: UInt64 { self.next.load(ordering: .relaxed) }

    private let next = Atomic<UInt64>(0)

    @inline(__always)
    func take() -> UInt64 {
        self.next.wrappingAdd(1, ordering: .relaxed).oldValue
    }
}
