/// The form of a service, as the services file, a registration and every answer spell it.
public enum ServiceForm {
    /// Checks every field and gives back the definition, or every fault at once.
    ///
    /// `id` is the service's name when it stands outside the form, as in the services file; a `service_id` inside must
    /// then be the same. `loc` is where the form stands, for the faults.
    public static func read(
        _ value: JSONValue,
        id: ServiceID?,
        at loc: [String] = ["body"]
    ) throws(FormProblems) -> ServiceDefinition {
        var fields = try FormFields(value, at: loc)
        let kind = fields.choice("kind", ServiceDefinition.Kind.self) ?? .model
        let name = self.id(&fields, outside: id)
        let url = self.url(&fields)
        let type = self.modelType(&fields, kind)
        var definition: ServiceDefinition?
        if let name, let url, let type {
            definition = ServiceDefinition(id: name, url: url, modelType: type)
        }
        let version = self.modelVersion(&fields)
        let wire = self.wireProtocol(&fields, kind)
        let healthPath = self.healthPath(&fields)
        definition?.kind = kind
        definition?.wireProtocol = wire
        definition?.healthPath = healthPath
        definition?.modelVersion = version ?? .unnamed
        self.readOptions(&fields, into: &definition)
        try fields.finish()
        guard let definition else { throw FormProblems(fields.problems) }
        return definition
    }

    /// The fields that stand on their own.
    private static func readOptions(_ fields: inout FormFields, into definition: inout ServiceDefinition?) {
        let capabilities = fields.capabilities()
        let limit = fields.concurrentRequests()
        let timeout = fields.timeout()
        let weight = fields.weight()
        let metadata = fields.metadata()
        let discovery = fields.choice("discovery", ServiceDefinition.Discovery.self)
        let lease = fields.seconds("lease", atMost: FormFields.secondsMax)
        let forwards = fields.bool("forward_authorization")
        definition?.capabilities = capabilities ?? []
        definition?.concurrentRequestsMax = limit == 0 ? nil : limit
        definition?.timeout = timeout
        definition?.weight = weight ?? ServiceDefinition.weightDefault
        definition?.metadata = metadata ?? [:]
        definition?.discovery = discovery ?? .static
        definition?.lease = lease
        definition?.forwardsAuthorization = forwards ?? false
    }

    /// The form of a definition, with every field that says something and no default that says nothing.
    public static func json(_ definition: ServiceDefinition) -> JSONObject {
        var form = JSONObject()
        form["service_id"] = .string(definition.id.text)
        form["service_url"] = .string(definition.url.description)
        form["model_type"] = .string(definition.modelType.text)
        form["model_version"] = .string(definition.modelVersion.text)
        form["capabilities"] = .array(definition.capabilities.map { .string($0) })
        form["max_concurrent_requests"] = .integer(Int64(definition.concurrentRequestsMax ?? 0))
        form["timeout"] = definition.timeout.map(self.seconds)
        form["weight"] = .integer(Int64(definition.weight))
        form["protocol"] = .string(definition.wireProtocol.rawValue)
        form["health_path"] = definition.healthPath.map { .string($0) }
        form["metadata"] = .object(self.json(definition.metadata))
        form["discovery"] = .string(definition.discovery.rawValue)
        form["lease"] = definition.lease.map(self.seconds)
        form["kind"] = .string(definition.kind.rawValue)
        form["forward_authorization"] = .bool(definition.forwardsAuthorization)
        return form
    }

    private static func json(_ metadata: [String: String]) -> JSONObject {
        var object = JSONObject()
        for (name, text) in metadata.sorted(by: { $0.key < $1.key }) { object[name] = .string(text) }
        return object
    }

    /// Whole seconds as an integer.
    private static func seconds(_ duration: Duration) -> JSONValue {
        let seconds = duration.inSeconds
        return Int64(exactly: seconds).map { .integer($0) } ?? .number(seconds)
    }
}

// MARK: Fields

extension ServiceForm {
    private static func id(_ fields: inout FormFields, outside: ServiceID?) -> ServiceID? {
        let inside = fields.name("service_id", ServiceID.self)
        guard let outside else {
            if inside == nil, fields.member("service_id") == nil { fields.missing("service_id") }
            return inside
        }
        if let inside, inside != outside {
            fields.fault(
                "service_id",
                .value,
                "must be \"\(outside)\", the name it is registered under, or be left out"
            )
        }
        return outside
    }

    private static func url(_ fields: inout FormFields) -> ServiceURL? {
        guard let text = fields.string("service_url") else {
            if fields.member("service_url") == nil { fields.missing("service_url") }
            return nil
        }
        do {
            return try ServiceURL(text)
        } catch {
            fields.fault("service_url", .url, error.description)
            return nil
        }
    }

    /// What is no model has no model type; it goes by its kind unless the form says otherwise.
    private static func modelType(_ fields: inout FormFields, _ kind: ServiceDefinition.Kind) -> ModelType? {
        if let type = fields.name("model_type", ModelType.self) { return type }
        guard fields.member("model_type") == nil else { return nil }
        if kind != .model { return ModelType(kind.rawValue) }
        fields.missing("model_type")
        return nil
    }

    private static func modelVersion(_ fields: inout FormFields) -> ModelVersion? {
        let version = fields.name("model_version", ModelVersion.self)
        guard version == .latest else { return version }
        fields.fault("model_version", .value, "must not be \"latest\", which is an alias and no version's name")
        return nil
    }

    private static func wireProtocol(
        _ fields: inout FormFields,
        _ kind: ServiceDefinition.Kind
    ) -> ServiceDefinition.WireProtocol {
        let wire = fields.choice("protocol", ServiceDefinition.WireProtocol.self) ?? (kind == .data ? .http : .native)
        if !kind.protocols.contains(wire) {
            let words = kind.protocols.map { "'\($0.rawValue)'" }.joined(separator: ", ")
            fields.fault("protocol", .literal, "must be one of \(words) for a service of kind '\(kind.rawValue)'")
        }
        return wire
    }

    private static func healthPath(_ fields: inout FormFields) -> String? {
        guard let path = fields.string("health_path") else { return nil }
        let isPrintable = path.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }
        if path.hasPrefix("/"), isPrintable, path.utf8.count <= ServiceURL.bytesMax { return path }
        fields.fault(
            "health_path",
            .pattern,
            "must begin with \"/\" and have printable ASCII characters without blanks and \"#\", at most \(ServiceURL.bytesMax)"
        )
        return nil
    }
}

extension ServiceDefinition.Kind {
    /// The protocols that a service of this kind can speak.
    var protocols: [ServiceDefinition.WireProtocol] {
        switch self {
        case .model: [.native, .oip]
        case .data: [.http, .influxdb1, .influxdb2]
        case .validation: [.native]
        }
    }
}
