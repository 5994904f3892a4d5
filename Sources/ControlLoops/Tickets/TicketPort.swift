/// What the reserver needs of the data plane, which takes its tickets from a `TicketBlocks` per pool.
///
/// Whoever implements it calls `TicketReserver.wake()` when a ticket `asksForMore`.
public protocol TicketPort: Sendable {
    /// Pools that want a block now, as `TicketBlocks.demand` says.
    func demand() -> [TicketDemand]
    /// The tickets `first ..< first + count` are this replica's.
    func grant(pool: String, first: UInt64, count: Int)
}

/// A pool that wants tickets.
public struct TicketDemand: Hashable, Sendable {
    /// The same on all replicas, such as `LSTM/v1/prediction`.
    public var pool: String
    public var count: Int

    public init(pool: String, count: Int) {
        self.pool = pool
        self.count = count
    }
}
