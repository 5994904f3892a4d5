public import Gateway
public import Registry

/// What discovery needs of the data plane. Each call ends within the time it is given.
public protocol DiscoveryPort: Sendable {
    func call(_ call: UpstreamCall) async throws(UpstreamFailure) -> UpstreamAnswer
    /// Every address of the URL's host that may be connected to; never empty.
    func addresses(of url: ServiceURL, within limit: Duration) async throws(UpstreamFailure) -> [InstanceAddress]
    /// What traffic and probes think of the service's instances.
    func states(of service: ServiceID) -> [InstanceState]
}

extension DataPlane: DiscoveryPort {}
