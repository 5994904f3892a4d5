public import Gateway
public import Registry

/// What the prober needs of the data plane.
public protocol ProbePort: Sendable {
    /// Ends within the call's timeout, and soon after its task is cancelled.
    func call(_ call: UpstreamCall) async throws(UpstreamFailure) -> UpstreamAnswer
    /// Told after every probe; the same verdict again changes nothing.
    func setVerdict(_ verdict: Verdict, for key: InstanceKey)
}

extension DataPlane: ProbePort {}
