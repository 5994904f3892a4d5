public import Gateway
public import Registry

/// What the loops that care for versions need of the data plane.
public protocol TrafficPort: Sendable {
    /// That every event loop routes by, with nothing left to begin by an older one.
    var settledEpoch: Epoch { get }
    /// What callers got of each version since the replica began.
    func versionTraffic() async -> [VersionTraffic]
    /// Ends within the call's timeout.
    func call(_ call: UpstreamCall) async throws(UpstreamFailure) -> UpstreamAnswer
}

extension DataPlane: TrafficPort {}
