public import Gateway
public import Registry

/// What the job runner and the offline tests need of the data plane: to call services, and to know how they are.
public protocol TrainerPort: Sendable {
    /// Ends within the call's timeout, and soon after its task is cancelled.
    func call(_ call: UpstreamCall) async throws(UpstreamFailure) -> UpstreamAnswer
    func states(of service: ServiceID) -> [InstanceState]
}

extension DataPlane: TrainerPort {}

extension InstanceState {
    /// Why the manager's own work does not go there now; nil when it does.
    var reasonToAvoid: String? {
        if self.isDraining { return "draining" }
        if self.verdict == .unhealthy { return "unhealthy" }
        return self.breaker == .open ? "breaker open" : nil
    }
}

extension UpstreamFailure {
    /// Whether the request may have reached the instance. Each call has a connection of its own, so one that could not be
    /// made carried nothing.
    var mayHaveArrived: Bool {
        switch self.kind {
        case .resolve, .denied, .connectRefused, .connectTimeout, .tls, .exhausted: false
        case .reset, .timeout, .brokenAnswer: true
        }
    }
}
