/// What `POST /models/{model_type}/versions` asks for.
public struct DeployForm: Hashable, Sendable {
    public var version: ModelVersion
    public var artifact: String?
    /// Nil: all services of the model type.
    public var services: [ServiceID]?
    /// For the services; any object.
    public var parameters: JSONValue?

    public static let artifactBytesMax = 4096
    public static let parametersBytesMax = 16 * 1024

    public static func read(_ value: JSONValue, at loc: [String] = ["body"]) throws(FormProblems) -> DeployForm {
        var fields = try FormFields(value, at: loc)
        let version = fields.version("version", isRequired: true)
        let artifact = fields.string("artifact")
        if let artifact, artifact.utf8.count > Self.artifactBytesMax {
            fields.fault("artifact", .value, "must not be longer than \(Self.artifactBytesMax) bytes")
        }
        let services = Self.services(&fields)
        let parameters = fields.member("parameters")
        if let parameters, parameters.asObject == nil {
            fields.fault("parameters", .dictType, "must be an object, not \(parameters.kindName)")
        } else if let parameters, parameters.serialized().utf8.count > Self.parametersBytesMax {
            fields.fault("parameters", .value, "must not be longer than \(Self.parametersBytesMax) bytes")
        }
        try fields.finish()
        guard let version else { throw FormProblems(fields.problems) }
        return DeployForm(version: version, artifact: artifact, services: services, parameters: parameters)
    }

    private static func services(_ fields: inout FormFields) -> [ServiceID]? {
        guard let value = fields.member("services") else { return nil }
        guard let list = value.asArray, (1...Deployment.servicesMax).contains(list.count) else {
            fields.fault("services", .value, "must be a list of 1 to \(Deployment.servicesMax) service ids")
            return nil
        }
        var services: [ServiceID] = []
        for (place, element) in list.enumerated() {
            guard let id = element.asString.flatMap({ ServiceID($0) }), !services.contains(id) else {
                fields.fault("services", element: String(place), .value, "must be a service id, named once")
                continue
            }
            services.append(id)
        }
        return services
    }
}
