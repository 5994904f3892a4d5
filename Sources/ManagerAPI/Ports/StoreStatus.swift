/// How this replica gets on with Redis; asked on every request, so it answers from memory.
public protocol StoreStatus: Sendable {
    var storeStatus: StoreCondition { get }
}

/// The connection to the store at one moment.
public struct StoreCondition: Hashable, Sendable {
    public var connected: Bool
    /// Of the last command that measured it.
    public var latency: Duration?
    /// Since the store was last heard from; shown in `x-mm-stale` while it is not connected.
    public var staleness: Duration

    public init(connected: Bool, latency: Duration? = nil, staleness: Duration = .zero) {
        self.connected = connected
        self.latency = latency
        self.staleness = staleness
    }
}
