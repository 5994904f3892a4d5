public import Registry

/// What this replica's discovery did while it led.
public protocol DiscoveryReports: Sendable {
    var discovery: DiscoveryReport { get }
}

/// Sweeps over the sources of services; a replica that never led made none.
public struct DiscoveryReport: Hashable, Sendable {
    /// One kind of source.
    public struct Line: Hashable, Sendable {
        public var source: String
        /// In the last sweep.
        public var found: Int
        /// Since the start.
        public var errors: Int

        public init(source: String, found: Int, errors: Int) {
            self.source = source
            self.found = found
            self.errors = errors
        }
    }

    public var sweeps: Int
    public var lastAt: Timestamp?
    public var lines: [Line] = []

    public init(sweeps: Int, lastAt: Timestamp?) {
        self.sweeps = sweeps
        self.lastAt = lastAt
    }
}
