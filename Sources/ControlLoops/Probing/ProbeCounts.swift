/// Probes that this replica has made, for the metrics.
public struct ProbeCounts: Hashable, Sendable {
    public var well: Int64 = 0
    public var failed: Int64 = 0
    /// Asked for by another replica that found the instance down.
    public var opinions: Int64 = 0
    /// Turns that were another replica's.
    public var postponed: Int64 = 0
}
