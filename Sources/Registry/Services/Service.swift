/// A registered service: its definition and what the store stamped on it.
public struct Service: Hashable, Sendable {
    public var definition: ServiceDefinition
    public var source: Source
    /// Out of rotation by somebody's order.
    public var isDraining: Bool
    public var registeredAt: Timestamp
    /// The change that first brought this service; orders services by age.
    public var registeredEpoch: Epoch
    /// The change that made it what it is.
    public var epoch: Epoch
    /// Of a service with `discovery: dns`, once the leader has resolved it.
    public var resolution: Resolution?

    /// Who told us of the service.
    public enum Source: String, Hashable, Sendable, CaseIterable {
        case api, file, dns, probe
    }

    public init(
        definition: ServiceDefinition,
        source: Source,
        isDraining: Bool = false,
        registeredAt: Timestamp,
        registeredEpoch: Epoch,
        epoch: Epoch,
        resolution: Resolution? = nil
    ) {
        self.definition = definition
        self.source = source
        self.isDraining = isDraining
        self.registeredAt = registeredAt
        self.registeredEpoch = registeredEpoch
        self.epoch = epoch
        self.resolution = resolution
    }

    public var id: ServiceID { self.definition.id }

    /// What an instance is called when it is connected to: its host stands in `Host` and in certificates.
    public func origin(of instance: InstanceKey) -> ServiceURL {
        self.definition.url.isServiceName ? instance.url : self.definition.url
    }

    /// What it is reached at, never empty: its own URL, or with `discovery: dns` one for each address of its host. Until
    /// the leader has resolved the host, the name stands for itself: whoever connects resolves it.
    public var instances: [InstanceKey] {
        let url = self.definition.url
        guard self.definition.discovery == .dns, let resolution = self.resolution, resolution.url == url,
            !resolution.addresses.isEmpty
        else { return [InstanceKey(service: self.id, url: url)] }
        return resolution.addresses.map { InstanceKey(service: self.id, url: url.reached(at: $0)) }
    }
}

/// Names one instance: a service and the address it is reached at.
public struct InstanceKey: Hashable, Sendable {
    public let service: ServiceID
    public let url: ServiceURL

    public init(service: ServiceID, url: ServiceURL) {
        self.service = service
        self.url = url
    }
}

extension InstanceKey: CustomStringConvertible {
    public var description: String { "\(self.service)@\(self.url)" }
}
