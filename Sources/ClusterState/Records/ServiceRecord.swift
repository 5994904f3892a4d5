public import Registry

/// What a service's hash in Redis means: the field names are the contract's, the values texts that a person can read.
///
/// An absent field has its default. A field that this build does not know is kept aside and written back. A field whose
/// value makes no sense makes the record unreadable: guessing at a limit or an address would be worse.
public enum ServiceRecord {
    /// What a registration writes: every field this build knows. An empty value removes the field, so that what is
    /// no longer said does not linger.
    static func registration(
        of definition: ServiceDefinition,
        source: Service.Source
    ) throws(RecordError) -> [(field: Field, value: String)] {
        try Self.checkStorable(capabilities: definition.capabilities)
        return Self.definitionFields(definition) + [(.source, source.rawValue)]
    }

    /// What a change writes: only the fields it names.
    static func fields(of patch: ServicePatch) throws(RecordError) -> [(field: Field, value: String)] {
        var fields: [(field: Field, value: String)] = []
        if let weight = patch.weight { fields.append((.weight, String(weight))) }
        if let capabilities = patch.capabilities {
            try Self.checkStorable(capabilities: capabilities)
            fields.append((.capabilities, capabilities.joined(separator: ",")))
        }
        if let metadata = patch.metadata { fields.append((.metadata, FieldText.json(metadata))) }
        if let timeout = patch.timeout { fields.append((.timeout, FieldText.seconds(timeout))) }
        if let limit = patch.concurrentRequestsMax {
            fields.append((.concurrentRequestsMax, limit.map { String($0) } ?? ""))
        }
        return fields
    }

    /// The capabilities are one text with commas between them.
    static func checkStorable(capabilities: [String]) throws(RecordError) {
        let isStorable = capabilities.allSatisfy { !$0.isEmpty && !$0.contains(",") }
        guard isStorable else { throw RecordError("has a capability that is empty or contains a comma") }
    }

    /// The whole hash, as it is given back to a Redis that lost it.
    public static func fields(of service: Service, unknown: [String: String]) -> [String: String] {
        var fields = unknown
        for (field, value) in Self.definitionFields(service.definition) + Self.stamps(of: service) where !value.isEmpty
        {
            fields[field.rawValue] = value
        }
        return fields
    }

    /// - Returns: The service, and the fields that this build does not know.
    public static func decode(
        id: String,
        fields: [String: String]
    ) throws(RecordError) -> (service: Service, unknown: [String: String]) {
        guard !fields.isEmpty else { throw RecordError("has no fields") }
        let reader = FieldReader(fields: fields)
        let service = Service(
            definition: try Self.definition(id: id, reader),
            source: try reader.choice(.source) ?? .api,
            isDraining: try reader.flag(.draining) ?? false,
            registeredAt: Timestamp(milliseconds: try reader.integer(.registeredAt) ?? 0),
            registeredEpoch: Epoch(try reader.integer(.registeredEpoch) ?? 0),
            epoch: Epoch(try reader.integer(.epoch) ?? 0),
            resolution: Self.resolution(reader)
        )
        return (service, fields.filter { Field(rawValue: $0.key) == nil })
    }

    /// Field names of the hash.
    enum Field: String, CaseIterable {
        case serviceURL = "service_url"
        case modelType = "model_type"
        case modelVersion = "model_version"
        case capabilities
        case concurrentRequestsMax = "max_concurrent_requests"
        case timeout, weight
        case wireProtocol = "protocol"
        case healthPath = "health_path"
        case metadata, discovery, lease, kind
        case forwardsAuthorization = "forward_authorization"
        case source, draining
        case registeredAt = "registered_at"
        case registeredEpoch = "registered_epoch"
        case epoch
        /// What the leader resolved: the URL whose host it was, and its addresses with commas between them.
        case resolvedURL = "resolved_url"
        case addresses
    }
}

extension ServiceRecord {
    private static func definitionFields(_ definition: ServiceDefinition) -> [(field: Field, value: String)] {
        [
            (.serviceURL, definition.url.description),
            (.modelType, definition.modelType.text),
            (.modelVersion, definition.modelVersion.text),
            (.capabilities, definition.capabilities.joined(separator: ",")),
            (.concurrentRequestsMax, definition.concurrentRequestsMax.map { String($0) } ?? ""),
            (.timeout, FieldText.seconds(definition.timeout)),
            (.weight, String(definition.weight)),
            (.wireProtocol, definition.wireProtocol.rawValue),
            (.healthPath, definition.healthPath ?? ""),
            (.metadata, FieldText.json(definition.metadata)),
            (.discovery, definition.discovery.rawValue),
            (.lease, FieldText.seconds(definition.lease)),
            (.kind, definition.kind.rawValue),
            (.forwardsAuthorization, String(definition.forwardsAuthorization)),
        ]
    }

    private static func stamps(of service: Service) -> [(field: Field, value: String)] {
        [
            (.source, service.source.rawValue),
            (.draining, String(service.isDraining)),
            (.registeredAt, String(service.registeredAt.milliseconds)),
            (.registeredEpoch, service.registeredEpoch.description),
            (.epoch, service.epoch.description),
            (.resolvedURL, service.resolution?.url.description ?? ""),
            (.addresses, service.resolution.map(Self.text) ?? ""),
        ]
    }

    static func text(_ resolution: Resolution) -> String {
        resolution.addresses.map(\.description).joined(separator: ",")
    }

    /// Addresses that cannot be read are left out: the next sweep of the leader writes them anew.
    private static func resolution(_ reader: FieldReader) -> Resolution? {
        guard let url = reader.text(.resolvedURL).flatMap({ try? ServiceURL($0) }) else { return nil }
        return Resolution(url: url, addresses: reader.list(.addresses).compactMap { InstanceAddress($0) })
    }

    private static func definition(id: String, _ reader: FieldReader) throws(RecordError) -> ServiceDefinition {
        guard let id = ServiceID(id) else { throw RecordError("has an id that is no service id") }
        var definition = ServiceDefinition(
            id: id,
            url: try reader.url(.serviceURL),
            modelType: try reader.name(.modelType),
            modelVersion: try reader.optionalName(.modelVersion) ?? .unnamed,
            capabilities: reader.list(.capabilities)
        )
        definition.concurrentRequestsMax = try reader.integer(.concurrentRequestsMax).map { Int($0) }
        definition.timeout = try reader.seconds(.timeout)
        definition.weight = try reader.integer(.weight).map { Int($0) } ?? ServiceDefinition.weightDefault
        definition.wireProtocol = try reader.choice(.wireProtocol) ?? .native
        definition.healthPath = reader.text(.healthPath)
        definition.metadata = try reader.map(.metadata)
        definition.discovery = try reader.choice(.discovery) ?? .static
        definition.lease = try reader.seconds(.lease)
        definition.kind = try reader.choice(.kind) ?? .model
        definition.forwardsAuthorization = try reader.flag(.forwardsAuthorization) ?? false
        return definition
    }
}
