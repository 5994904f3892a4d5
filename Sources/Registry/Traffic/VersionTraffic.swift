/// What this replica's callers got of one version of a model since the replica began, and what is in flight now.
public struct VersionTraffic: Hashable, Sendable {
    public var type: ModelType
    public var version: ModelVersion
    public var requests: Int64
    /// Of these, answered with 5xx or broken off.
    public var failures: Int64
    /// To the first byte of the instance's answer, summed.
    public var latencyMicroseconds: Int64
    public var inFlight: Int
    /// What became of copies that the version got as a shadow.
    public var shadow: ShadowFigures

    public init(
        type: ModelType,
        version: ModelVersion,
        requests: Int64 = 0,
        failures: Int64 = 0,
        latencyMicroseconds: Int64 = 0,
        inFlight: Int = 0,
        shadow: ShadowFigures = ShadowFigures()
    ) {
        self.type = type
        self.version = version
        self.requests = requests
        self.failures = failures
        self.latencyMicroseconds = latencyMicroseconds
        self.inFlight = inFlight
        self.shadow = shadow
    }
}
