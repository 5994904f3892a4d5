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
        epoch: Epoch
    ) {
        self.definition = definition
        self.source = source
        self.isDraining = isDraining
        self.registeredAt = registeredAt
        self.registeredEpoch = registeredEpoch
        self.epoch = epoch
    }

    public var id: ServiceID { self.definition.id }
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
